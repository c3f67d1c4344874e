"""The embedded store on SQLite."""

import json
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import apsw

from euryale.workflows.ports import ExecutionQuery
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.states import EntryKind, Reason, Status
from euryale.workflows.stores.sqlite.connection import Durability, WriterThread, transaction
from euryale.workflows.stores.sqlite.statements import Statements

_CREATED = 1
_EXECUTION_VALUES = attrgetter(*ExecutionRow.__slots__)
_ENTRY_VALUES = attrgetter(*Entry.__slots__)
_EVENT_VALUES = attrgetter(*StagedEvent.__slots__)
_MESSAGE_VALUES = attrgetter(*Message.__slots__)


class SQLiteStore:
    """Keeps executions in one SQLite file, which one process owns at a time.

    The process holds a lock on ``<file>.lock``; the kernel lets go of it when the process dies, however it dies, so a
    successor takes over at once.

    Args:
        path: The file; made with its folder if missing.
        durability: ``full`` (default): what was written survives a power cut. ``process``: it survives a kill of the
            process, but the last moments before a power cut may be lost.
    """

    def __init__(self, path: Path | str, *, durability: Durability = "full") -> None:
        self._thread = WriterThread(Path(path), durability)
        self._sql = Statements()

    async def open(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        await self._thread.open(self._sql.schema)

    async def close(self) -> None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        await self._thread.close()

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._thread.run(lambda connection: self._write(connection, commits))

    def _write(self, connection: apsw.Connection, commits: Sequence[Commit]) -> frozenset[int]:
        with transaction(connection):
            return frozenset(at for at, each in enumerate(commits) if not self._apply(connection, each))

    def _apply(self, connection: apsw.Connection, commit: Commit) -> bool:
        if not self._accepts(connection, commit):
            return False
        if commit.entries:
            rows = ((commit.execution_id, *_ENTRY_VALUES(entry)) for entry in commit.entries)
            connection.executemany(self._sql.append_entry, rows)
        if (change := commit.change) is not None:
            values = (change.status, change.reason, change.output, change.error, change.finished_at)
            connection.execute(self._sql.change_status, (*values, commit.execution_id))
        if commit.stage:
            connection.executemany(self._sql.stage_event, map(_EVENT_VALUES, commit.stage))
        if commit.events == "release":
            connection.execute(self._sql.release_events, (commit.execution_id,))
        elif commit.events == "drop":
            connection.execute(self._sql.drop_events, (commit.execution_id,))
        return True

    def _accepts(self, connection: apsw.Connection, commit: Commit) -> bool:
        """Check the writer's epoch, and create what is to be created, unless one of them exists."""
        if all(row.id != commit.execution_id for row in commit.create):
            epoch = connection.execute(self._sql.read_epoch, (commit.execution_id,)).fetchone()
            if epoch is None or epoch[0] != commit.epoch:
                return False
        if any(self._is_taken(connection, row) for row in commit.create):
            return False
        if commit.create:
            connection.executemany(self._sql.create_execution, map(_EXECUTION_VALUES, commit.create))
        return True

    def _is_taken(self, connection: apsw.Connection, row: ExecutionRow) -> bool:
        known = connection.execute(self._sql.load_execution, (row.id,)).fetchone()
        if known is None:
            return False
        return _execution(known) != row or bool(connection.execute(self._sql.load_entries, (row.id,)).fetchone())

    async def load(self, execution_id: str) -> Journal | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return await self._thread.run(lambda connection: self._load(connection, execution_id))

    def _load(self, connection: apsw.Connection, execution_id: str) -> Journal | None:
        row = connection.execute(self._sql.load_execution, (execution_id,)).fetchone()
        if row is None:
            return None
        entries = connection.execute(self._sql.load_entries, (execution_id,)).fetchall()
        messages = connection.execute(self._sql.load_messages, (execution_id,)).fetchall()
        return Journal(_execution(row), tuple(map(_entry, entries)), tuple(map(_message, messages)))

    async def claim(self, owner: str) -> tuple[ExecutionRow, ...]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.claim, (owner,)).fetchall())
        return tuple(map(_execution, rows))

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        values = (execution_id, owner)
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.reclaim, values).fetchall())
        return _execution(rows[0]) if rows else None

    async def post(self, message: Message) -> bool:
        """See :class:`~euryale.workflows.ports.JournalStore`."""

        def insert(connection: apsw.Connection) -> bool:
            connection.execute(self._sql.post, _MESSAGE_VALUES(message))
            return connection.changes() == _CREATED

        return await self._thread.run(insert)

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
            "before_at": before_at,
            "before_id": before_id,
            "limit": query.limit,
        }
        rows = await self._thread.run(lambda connection: connection.execute(self._sql.list, values).fetchall())
        return tuple(map(_execution, rows))

    async def prune(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.InsightStore`."""

        def delete(connection: apsw.Connection) -> int:
            with transaction(connection):
                old = connection.execute(self._sql.find_old, (now, limit)).fetchall()
                for (root_id,) in old:
                    connection.execute(self._sql.delete_family, (root_id,) * 3)
            return len(old)

        return await self._thread.run(delete)


def _entry(row: Sequence[Any]) -> Entry:
    entry = Entry(*row)
    return replace(entry, kind=EntryKind(entry.kind))


def _event(row: Sequence[Any]) -> StagedEvent:
    return StagedEvent(*row)


def _message(row: Sequence[Any]) -> Message:
    message = Message(*row)
    return replace(message, failed=bool(message.failed))


def _execution(row: Sequence[Any]) -> ExecutionRow:
    execution = ExecutionRow(*row)
    return replace(execution, status=Status(execution.status), reason=Reason(execution.reason))
