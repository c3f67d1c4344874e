"""The embedded store on SQLite."""

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import apsw
from msgspec.structs import astuple, replace

from euryale.workflows.definition.checks import refusal
from euryale.workflows.ports import Listener, Reader
from euryale.workflows.record.entry import (
    Commit,
    Entry,
    ExecutionRow,
    Journal,
    Message,
    StagedEvent,
)
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow, decide
from euryale.workflows.record.states import EntryKind, Reason, Slot, Status
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, ExecutionQuery, Told, settled
from euryale.workflows.stores.sqlite import queues as queueing
from euryale.workflows.stores.sqlite.connection import Durability, ReaderThread, WriterThread, transaction
from euryale.workflows.stores.sqlite.statements import SQL

_CREATED = 1
_NONE: frozenset[int] = frozenset()
_FEW = 16
_SMALL = 65_536


class SQLiteStore:
    """Keeps executions in one SQLite file, which one process owns at a time.

    The process holds a lock on ``<file>.lock``; the kernel lets go of it when the process dies, however it dies, so a
    successor takes over at once.

    Args:
        path: The file; made with its folder if missing: a mistyped path is an empty store.
        durability: ``full`` (default): what was written survives a power cut. ``process``: it survives a kill of the
            process, but the last moments before a power cut may be lost.

    Raises:
        DefinitionError: If that is no path of a file, or there is no such durability.
    """

    shared = False
    instant = False

    def __init__(self, path: Path | str, *, durability: Durability = "full") -> None:
        if not isinstance(path, (str, Path)) or str(path) in {"", ".", ":memory:"}:
            hint = 'Write SQLiteStore("orders.db"); in memory, for tests, there is MemoryStore().'
            raise refusal("SQLiteStore: path", path, "the path of a file", hint)
        if durability not in get_args(Durability):
            raise refusal("SQLiteStore: durability", durability, "one of full, process")
        self._path = Path(path)
        self._thread = WriterThread(self._path, durability)
        self._sql = SQL

    async def open(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        await self._thread.open(self._sql.migrations)

    async def close(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        await self._thread.close()

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        run = self._thread.run_short if len(commits) == 1 and _is_small(commits[0]) else self._thread.run
        return await run(lambda connection: self._write(connection, commits))

    def write_at_once(self, commits: Sequence[Commit]) -> frozenset[int] | None:
        """See :class:`~euryale.workflows.ports.JournalStore`. Only a lone small commit, and if the disk is quick."""
        if len(commits) != 1 or not self._thread.is_quick or not _is_small(commits[0]):
            return None
        return self._thread.run_at_once(partial(self._write, commits=commits))

    def _write(self, connection: apsw.Connection, commits: Sequence[Commit]) -> frozenset[int]:
        if len(commits) == 1 and (self._append_one(connection, commits[0]) or self._create_one(connection, commits[0])):
            return _NONE
        with transaction(connection):
            return frozenset(at for at, each in enumerate(commits) if not self._apply(connection, each))

    def _append_one(self, connection: apsw.Connection, commit: Commit) -> bool:
        """Write what most commits are, one entry and nothing else, as one statement; False: it is for a transaction."""
        if len(commit.entries) != 1 or not commit.only_appends or connection.in_transaction:
            return False
        values = (commit.execution_id, *astuple(commit.entries[0]), commit.epoch)
        connection.execute(self._sql.append_one, values)
        return connection.changes() == 1

    def _create_one(self, connection: apsw.Connection, commit: Commit) -> bool:
        """Write a new execution and nothing else as one statement; False: it is for a transaction."""
        if len(commit.create) != 1 or commit != Commit(commit.execution_id, commit.epoch, create=commit.create):
            return False
        if commit.create[0].id != commit.execution_id or connection.in_transaction:
            return False
        connection.execute(self._sql.create_execution, astuple(commit.create[0]))
        return connection.changes() == 1

    def _apply(self, connection: apsw.Connection, commit: Commit) -> bool:
        if not self._accepts(connection, commit):
            return False
        if commit.entries:
            rows = ((commit.execution_id, *astuple(entry)) for entry in commit.entries)
            connection.executemany(self._sql.append_entry, rows)
        if (change := commit.change) is not None:
            connection.execute(self._sql.change_status, (commit.execution_id, *astuple(change)))
        if (release := commit.release) is not None:
            connection.execute(self._sql.release, (commit.execution_id, *astuple(release)))
        if commit.stage:
            connection.executemany(self._sql.stage_event, map(astuple, commit.stage))
        if commit.events == "release":
            connection.execute(self._sql.release_events, (commit.execution_id,))
        elif commit.events == "drop":
            connection.execute(self._sql.drop_events, (commit.execution_id,))
        if commit.wake:
            connection.execute(self._sql.wake, (commit.wake,))
        return True

    def _accepts(self, connection: apsw.Connection, commit: Commit) -> bool:
        """Check the writer's epoch, and create what is to be created, unless one of them exists."""
        if all(row.id != commit.execution_id for row in commit.create):
            fence = connection.execute(self._sql.read_fence, (commit.execution_id,)).fetchone()
            if fence is None or fence[0] != commit.epoch or self._is_overtaken(connection, commit, fence[1]):
                return False
        if any(self._is_taken(connection, row) for row in commit.create):
            return False
        if commit.create:
            connection.executemany(self._sql.create_execution, map(astuple, commit.create))
        return True

    def _is_overtaken(self, connection: apsw.Connection, commit: Commit, messages: int) -> bool:
        """Whether a cancellation was kept of which the writer has not heard that the execution ends well."""
        if commit.heard is None or messages <= commit.heard:
            return False
        return connection.execute(self._sql.find_cancellation, (commit.execution_id,)).fetchone() is not None

    def _is_taken(self, connection: apsw.Connection, row: ExecutionRow) -> bool:
        known = connection.execute(self._sql.load_execution, (row.id,)).fetchone()
        if known is None:
            return False
        return _execution(known) != row or bool(connection.execute(self._sql.load_entries, (row.id, 0)).fetchone())

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._thread.run(lambda connection: self._load(connection, execution_id, after))

    def _load(self, connection: apsw.Connection, execution_id: str, after: int) -> Journal | None:
        row = connection.execute(self._sql.load_execution, (execution_id,)).fetchone()
        if row is None:
            return None
        entries = connection.execute(self._sql.load_entries, (execution_id, after)).fetchall()
        messages = connection.execute(self._sql.load_messages, (execution_id,)).fetchall()
        return Journal(_execution(row), tuple(map(_entry, entries)), tuple(map(_message, messages)))

    async def load_all(self, execution_ids: Sequence[str]) -> tuple[Journal, ...]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        def load(connection: apsw.Connection) -> list[Journal | None]:
            return [self._load(connection, execution_id, 0) for execution_id in execution_ids]

        return tuple(journal for journal in await self._thread.run(load) if journal is not None)

    async def claim(self, claim: Claim) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        known = {"plans": json.dumps(sorted(claim.plans)), "apart": json.dumps(sorted(claim.apart))}

        def take(connection: apsw.Connection) -> tuple[list[Any], Any]:
            values = {"owner": claim.owner, "now": claim.now, "limit": claim.limit, **known}
            rows = connection.execute(self._sql.claim, values).fetchall() if claim.limit else []
            return rows, connection.execute(self._sql.next_due, known).fetchone()

        rows, due = await self._thread.run(take)
        return Claimed(tuple(map(_execution, rows)), due[0] if due else None)

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        def take(connection: apsw.Connection) -> tuple[list[Any], list[float]]:
            rows: list[Any] = []
            dues: list[float] = []
            with transaction(connection):
                for limits in queues:
                    left = replace(claim, limit=claim.limit - len(rows))
                    found, due = queueing.claim_queue(connection, self._sql, left, limits)
                    rows += found
                    dues += due
            return rows, dues

        rows, dues = await self._thread.run(take)
        if rows and len(rows) >= claim.limit:
            dues.append(claim.now)
        return Claimed(tuple(map(_execution, rows)), min(dues, default=None))

    async def enter(self, entrance: Entrance) -> Entered:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._thread.run(lambda connection: self._enter(connection, entrance))

    def _enter(self, connection: apsw.Connection, entrance: Entrance) -> Entered:
        with transaction(connection):
            return self._let_in(connection, entrance)

    def _let_in(self, connection: apsw.Connection, entrance: Entrance) -> Entered:
        decision = queueing.decide(connection, self._sql, entrance)
        if isinstance(decision, Entered):
            return decision
        self._apply(connection, entrance.commit)
        told = [(each, self._keep(connection, each)) for each in decision]
        kept = tuple((message, each) for message, each in told if each is not None and each.number)
        return Entered("created", entrance.row.id, kept)

    async def make_due(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        def update(connection: apsw.Connection) -> int:
            connection.execute(self._sql.make_due, {"now": now, "limit": limit})
            return connection.changes()

        return await self._thread.run(update)

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        def take(connection: apsw.Connection) -> Any:
            rows = connection.execute(self._sql.reclaim, (execution_id, owner)).fetchall()
            return rows[0] if rows else connection.execute(self._sql.load_execution, (execution_id,)).fetchone()

        row = await self._thread.run(take)
        return _execution(row) if row else None

    async def post(self, message: Message) -> Told | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._thread.run(lambda connection: self._post(connection, message))

    def _post(self, connection: apsw.Connection, message: Message) -> Told | None:
        with transaction(connection):
            return self._keep(connection, message)

    def _keep(self, connection: apsw.Connection, message: Message) -> Told | None:
        known = connection.execute(self._sql.read_messages, (message.execution_id,)).fetchone()
        if known is None:
            return None
        messages, status, owner = known[0], Status(known[1]), known[2]
        if not status.takes(message.kind):
            return Told(0, status, owner)
        connection.execute(self._sql.post, astuple(replace(message, number=messages + 1)))
        if connection.changes() != _CREATED:
            return Told(0, status, owner)
        connection.execute(self._sql.tell, {"id": message.execution_id, "kind": message.kind})
        return Told(messages + 1, status, owner)

    async def enlist(self, owner: str, lease: float) -> None:  # noqa: ARG002 -- the lock on the file is the lease
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        await self._thread.run(lambda connection: connection.execute(self._sql.retire_others, (owner,)))

    async def renew(self, owner: str, lease: float) -> bool:  # noqa: ARG002 -- the lock on the file is the lease
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return True

    async def retire(self, owner: str) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        await self._thread.run(lambda connection: connection.execute(self._sql.retire, (owner,)))

    async def reap(self) -> tuple[str, ...]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return ()

    async def told(self, owner: str) -> dict[str, int]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.told, (owner,)).fetchall())
        return {str(execution_id): cast("int", messages) for execution_id, messages in rows}

    def listen(self, listener: Listener) -> Callable[[], None]:  # noqa: ARG002 -- nobody else announces anything
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return lambda: None

    async def announce(self, notices: Collection[str]) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        values = (name, cadence, now)
        read = self._thread.run
        return await read(lambda connection: _schedule(connection.execute(self._sql.register, values).fetchone()))

    async def fire(self, firing: Firing) -> Fired:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        return await self._thread.run(lambda connection: self._fire(connection, firing))

    def _fire(self, connection: apsw.Connection, firing: Firing) -> Fired:
        with transaction(connection):
            connection.execute(self._sql.add_schedule, (firing.schedule, firing.cadence, firing.at))
            row = _schedule(connection.execute(self._sql.load_schedule, (firing.schedule,)).fetchone())
            execution = firing.execution
            known = execution is not None and self._status(connection, execution.id) is not None
            former = self._status(connection, row.execution)
            decision = decide(row, firing, known=known, former_open=former is not None and not former.ended)
            if decision.creates and execution is not None and firing.terms is not None:
                entered = self._let_in(connection, Entrance.on(firing.terms, execution))
                decision = settled(decision, row, firing, entered)
            elif decision.creates and execution is not None:
                connection.execute(self._sql.create_execution, astuple(execution))
            if decision.fired.cancelled:
                self._keep(connection, Message(decision.fired.cancelled, "cancel", "", b"null", firing.at))
            connection.execute(self._sql.change_schedule, astuple(decision.fired.row))
            return decision.fired

    def _status(self, connection: apsw.Connection, execution_id: str) -> Status | None:
        known = connection.execute(self._sql.read_messages, (execution_id,)).fetchone()
        return None if known is None else Status(known[1])

    async def scheduled(self) -> tuple[ScheduleRow, ...]:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.scheduled).fetchall())
        return tuple(map(_schedule, rows))

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """See :class:`~euryale.workflows.ports.OutboxStore`."""
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.released, (limit,)).fetchall())
        return tuple(map(_event, rows))

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """See :class:`~euryale.workflows.ports.OutboxStore`."""

        def delete(connection: apsw.Connection) -> None:
            with transaction(connection):
                connection.executemany(self._sql.delivered, ((event_id,) for event_id in event_ids))

        await self._thread.run(delete)

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        before_at, before_id = query.before or (None, None)
        values = {
            "workflow": query.workflow,
            "statuses": json.dumps(sorted(query.statuses)),
            "parent_id": query.parent_id,
            "prefix": query.prefix,
            "queue": query.queue,
            "before_at": before_at,
            "before_id": before_id,
            "limit": query.limit,
        }
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.list, values).fetchall())
        return tuple(map(_execution, rows))

    def reader(self) -> Reader:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        return _SQLiteReader(self._path)

    async def prune(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.InsightStore`."""

        def delete(connection: apsw.Connection) -> int:
            with transaction(connection):
                old = connection.execute(self._sql.find_old, (now, limit)).fetchall()
                for (root_id,) in old:
                    connection.execute(self._sql.delete_family, (root_id,) * 3)
            return len(old)

        return await self._thread.run(delete)


class _SQLiteReader(SQLiteStore):
    """Reads the file over a connection of its own, which cannot write; takes no lock."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._thread = ReaderThread(path)


def _is_small(commit: Commit) -> bool:
    """Whether to write it takes hardly longer than to wait for the disk."""
    if len(commit.entries) + len(commit.create) + len(commit.stage) > _FEW:
        return False
    size = 0
    for entry in commit.entries:
        size += len(entry.payload or b"") + len(entry.undo or b"")
    if commit.change is not None:
        size += len(commit.change.output or b"") + len(commit.change.error or b"")
    for row in commit.create:
        size += len(row.input)
    for event in commit.stage:
        size += len(event.payload)
    return size <= _SMALL


def _entry(row: Sequence[Any]) -> Entry:
    seq, kind, *rest = row
    return Entry(seq, EntryKind(kind), *rest)


def _schedule(row: Any) -> ScheduleRow:
    return ScheduleRow(*row)


def _event(row: Sequence[Any]) -> StagedEvent:
    return StagedEvent(*row)


def _message(row: Sequence[Any]) -> Message:
    message = Message(*row)
    return replace(message, failed=bool(message.failed))


def _execution(row: Sequence[Any]) -> ExecutionRow:
    execution = ExecutionRow(*row)
    return replace(
        execution,
        status=Status(execution.status),
        reason=Reason(execution.reason),
        slot=Slot(execution.slot),
        partial=bool(execution.partial),
    )
