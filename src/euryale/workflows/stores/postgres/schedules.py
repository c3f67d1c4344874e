"""Schedules in the database: a tick is decided and its execution created in one transaction."""

from typing import Final

from msgspec.structs import astuple

from euryale.workflows.record.entry import Commit, Message
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow, decide
from euryale.workflows.record.states import Status
from euryale.workflows.requests import Entered, Entrance, settled
from euryale.workflows.stores.postgres import rows
from euryale.workflows.stores.postgres.batch import Batch
from euryale.workflows.stores.postgres.server import Connection
from euryale.workflows.stores.postgres.statements import SQL

_BUSY: Final = "busy"
_TELLING: Final = ("replace", "cancel")
"""Policies of queues by which others are told to end."""


async def fire(connection: Connection, firing: Firing) -> Fired | None:
    """Decide a firing; whoever asks meanwhile waits. None, and nothing is decided, if its key in its queue is busy."""
    try:
        return await _fire(connection, firing)
    except _BusyError:
        return None


class _BusyError(Exception):
    """A transaction that is still open decides by the same key."""


async def _fire(connection: Connection, firing: Firing) -> Fired:
    async with connection.transaction():
        await connection.execute(SQL.add_schedule, firing.schedule, firing.cadence, firing.at)
        row = ScheduleRow(*await connection.fetchrow(SQL.lock_schedule, firing.schedule))
        execution = firing.execution
        known = execution is not None and await _status(connection, execution.id) is not None
        former = await _status(connection, row.execution)
        decision = decide(row, firing, known=known, former_open=former is not None and not former.ended)
        if decision.creates and execution is not None and firing.terms is not None:
            entrance = Entrance.on(firing.terms, execution)
            if decision.fired.cancelled and entrance.policy in _TELLING:
                await _lock_told(connection, entrance, decision.fired.cancelled)
            if (entered := await enter(connection, entrance)) is None:
                raise _BusyError
            decision = settled(decision, row, firing, entered)
        elif decision.creates and execution is not None:
            await _create(connection, Commit(execution.id, execution.epoch, create=(execution,)))
        if decision.fired.cancelled:
            await _cancel(connection, Message(decision.fired.cancelled, "cancel", "", b"null", firing.at))
        if decision.fired.row != row:
            await connection.execute(SQL.change_schedule, *astuple(decision.fired.row))
        return decision.fired


async def _lock_told(connection: Connection, entrance: Entrance, former: str) -> None:
    """Lock those that are told to end, because of the queue and of the schedule, in the order that all go by.

    Who has the key is looked up once the queue is locked: by a statement of its own, as one sees what was committed
    before it began.
    """
    await connection.execute(SQL.lock_queue, entrance.row.queue)
    await connection.fetch(SQL.lock_told, (0, *astuple(entrance.row)), former)


async def enter(connection: Connection, entrance: Entrance) -> Entered | None:
    """Let an execution into its queue, or not; None, and nothing is done, if its key is busy."""
    batch = Batch()
    batch.add(0, entrance.commit)
    terms = (entrance.policy, entrance.key_concurrency, entrance.cancellation)
    row = await connection.fetchrow(SQL.enter, batch.executions[0], batch.entries, *terms)
    return None if row[0] == _BUSY else rows.entered(row, entrance)


async def _status(connection: Connection, execution_id: str) -> Status | None:
    status = await connection.fetchval(SQL.read_status, execution_id)
    return None if status is None else Status(status)


async def _create(connection: Connection, commit: Commit) -> None:
    """Create an execution that nobody owns; one that somebody else has created meanwhile is the tick's as well."""
    batch = Batch()
    batch.add(0, commit)
    await connection.execute(SQL.write, (), *batch.values())


async def _cancel(connection: Connection, message: Message) -> None:
    values = (message.execution_id, message.kind, message.step, message.payload, message.at, message.failed)
    await connection.execute(SQL.post, *values, message.key)
