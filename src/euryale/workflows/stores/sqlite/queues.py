"""What is decided in a queue, inside of a transaction."""

import json
from collections.abc import Iterable
from typing import Any, cast

import apsw

from euryale.workflows.record.entry import Message
from euryale.workflows.record.queueing import Admission, Occupancy, QueueLimits
from euryale.workflows.record.states import Slot
from euryale.workflows.requests import Claim, Entered, Entrance
from euryale.workflows.stores.statements import Statements


def claim_queue(
    connection: apsw.Connection, sql: Statements, claim: Claim, limits: QueueLimits
) -> tuple[list[Any], list[float]]:
    """Take what is due of one queue; return the rows, and when there is more to take, as far as the clock says."""
    values = {"queue": limits.name, "owner": claim.owner, "now": claim.now, "plans": json.dumps(sorted(claim.plans))}
    resumed, dues = _resume(connection, sql, claim, limits, values)
    is_due, later = _fetch(connection, sql.find_due, values)[0]
    dues += [] if later is None else [later]
    if not is_due:
        return resumed, dues
    admission = Admission(limits, _occupancy(connection, sql, limits, values), claim.now, claim.limit - len(resumed))
    full = json.dumps(admission.full_keys)
    admitted: list[str] = []
    waiting = cast("Iterable[tuple[str, str]]", connection.execute(sql.find_waiting, {**values, "full": full}))
    while not admission.over and (candidate := next(iter(waiting), None)) is not None:
        execution_id, key = candidate
        if admission.offer(key):
            admitted.append(execution_id)
    if (by_rate := admission.next_by_rate) is not None:
        dues.append(by_rate)
    return resumed + [_begin(connection, sql, execution_id, values) for execution_id in admitted], dues


def _resume(
    connection: apsw.Connection, sql: Statements, claim: Claim, limits: QueueLimits, values: dict[str, Any]
) -> tuple[list[Any], list[float]]:
    """Take what has a slot already, of a queue of which a worker drives only so many."""
    if limits.name not in claim.apart or limits.worker_concurrency is None:
        return [], []
    _, driven = _fetch(connection, sql.count_held, values)[0]
    room = min(claim.limit, limits.worker_concurrency - driven)
    known = _fetch(connection, sql.find_due_apart, values)
    due = [execution_id for execution_id, at in known if at <= claim.now]
    taken = [_begin(connection, sql, execution_id, values) for execution_id in due[: max(room, 0)]]
    return taken, [at for _, at in known if at > claim.now]


def _fetch(connection: apsw.Connection, statement: str, values: Any) -> list[Any]:
    return connection.execute(statement, values).fetchall()


def _begin(connection: apsw.Connection, sql: Statements, execution_id: str, values: dict[str, Any]) -> Any:
    values = {"id": execution_id, "owner": values["owner"], "now": values["now"]}
    return _fetch(connection, sql.begin, values)[0]


def _occupancy(connection: apsw.Connection, sql: Statements, limits: QueueLimits, values: dict[str, Any]) -> Occupancy:
    held, driven = _fetch(connection, sql.count_held, values)[0]
    by_key: dict[str, int] = {}
    if limits.key_concurrency is not None:
        by_key = dict(_fetch(connection, sql.count_keys, values))
    starts: list[float] = []
    if limits.rate_limit is not None:
        since, until = values["now"] - limits.rate_period - 1.0, values["now"] + limits.rate_period
        window = {"queue": limits.name, "since": since, "until": until, "limit": limits.rate_limit}
        starts = [at for (at,) in _fetch(connection, sql.find_starts, window)]
    return Occupancy(held, driven, by_key, starts)


def decide(connection: apsw.Connection, sql: Statements, entrance: Entrance) -> Entered | list[Message]:
    """Return why an execution does not enter its queue; if it does, what others are told."""
    new = entrance.row
    if _fetch(connection, sql.read_epoch, (new.id,)):
        return Entered("known", new.id)
    if duplicates := _fetch(connection, sql.find_duplicate, (new.queue, new.dedup_key)):
        return Entered("duplicate", duplicates[0][0])
    others = _fetch(connection, sql.find_key, (new.queue, new.queue_key))
    if entrance.policy == "reject" and len(others) >= entrance.key_concurrency:
        return Entered("rejected", others[0][0])
    messages = (entrance.cancellation_of(execution_id, Slot(slot)) for execution_id, slot in others)
    return [message for message in messages if message is not None]
