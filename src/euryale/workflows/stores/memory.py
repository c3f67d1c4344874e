"""The store for tests: everything in dictionaries, gone with the process."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from euryale.workflows.ports import ExecutionQuery
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.states import Status

_PRUNED = frozenset({Status.SUCCEEDED, Status.REVERTED})


@dataclass
class _Outbox:
    staged: dict[str, StagedEvent] = field(default_factory=dict)
    released: dict[str, StagedEvent] = field(default_factory=dict)


class MemoryStore:
    """Keeps all that a durable store keeps, but only as long as the object lives."""

    def __init__(self) -> None:
        self._rows: dict[str, ExecutionRow] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._messages: dict[tuple[str, str, str], Message] = {}
        self._outbox = _Outbox()

    async def open(self) -> None:
        """Nothing is to be done."""

    async def close(self) -> None:
        """Keep everything: a test may open it again, as after a restart."""

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return frozenset(position for position, commit in enumerate(commits) if not self._apply(commit))

    def _apply(self, commit: Commit) -> bool:
        if not self._accepts(commit):
            return False
        for row in commit.create:
            self._rows[row.id] = row
            self._entries[row.id] = []
        if commit.entries:
            journal = self._entries[commit.execution_id]
            if not journal or journal[-1].seq < commit.entries[0].seq:  # else it is repeated
                journal.extend(commit.entries)
        if (change := commit.change) is not None:
            self._rows[commit.execution_id] = replace(
                self._rows[commit.execution_id],
                status=change.status,
                reason=change.reason,
                output=change.output,
                error=change.error,
                finished_at=change.finished_at,
            )
        self._apply_events(commit)
        return True

    def _accepts(self, commit: Commit) -> bool:
        if any(self._is_taken(row) for row in commit.create):
            return False
        current = self._rows.get(commit.execution_id)
        created = any(row.id == commit.execution_id for row in commit.create)
        return created or (current is not None and current.epoch == commit.epoch)

    def _is_taken(self, row: ExecutionRow) -> bool:
        known = self._rows.get(row.id)
        return known is not None and (known != row or bool(self._entries[row.id]))

    def _apply_events(self, commit: Commit) -> None:
        staged = self._outbox.staged
        for event in commit.stage:
            staged.setdefault(event.id, event)
        for event in list(staged.values()) if commit.events != "keep" else ():
            if commit.events == "release" and event.root_id == commit.execution_id:
                self._outbox.released[event.id] = staged.pop(event.id)
            elif commit.events == "drop" and event.execution_id == commit.execution_id:
                del staged[event.id]

    async def load(self, execution_id: str) -> Journal | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        row = self._rows.get(execution_id)
        if row is None:
            return None
        messages = tuple(each for each in self._messages.values() if each.execution_id == execution_id)
        return Journal(row, tuple(self._entries[execution_id]), messages)

    async def claim(self, owner: str) -> tuple[ExecutionRow, ...]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        free = [row.id for row in self._rows.values() if not row.status.ended and row.owner != owner]
        return tuple(self._take(execution_id, owner) for execution_id in free)

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return self._take(execution_id, owner) if execution_id in self._rows else None

    def _take(self, execution_id: str, owner: str) -> ExecutionRow:
        row = self._rows[execution_id]
        self._rows[execution_id] = replace(row, owner=owner, epoch=row.epoch + 1)
        return self._rows[execution_id]

    async def post(self, message: Message) -> bool:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        key = (message.execution_id, message.kind, message.step)
        return self._messages.setdefault(key, message) is message

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """See :class:`~euryale.workflows.ports.OutboxStore`."""
        return tuple(list(self._outbox.released.values())[:limit])

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """See :class:`~euryale.workflows.ports.OutboxStore`."""
        for event_id in event_ids:
            self._outbox.released.pop(event_id, None)

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        rows = sorted(self._rows.values(), key=lambda row: (row.created_at, row.id), reverse=True)
        return tuple(row for row in rows if _matches(row, query))[: query.limit]

    async def prune(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        old = [row.id for row in self._rows.values() if _is_old(row, now)][:limit]
        family = [row.id for row in self._rows.values() if row.root_id in old]
        for execution_id in family:
            del self._rows[execution_id], self._entries[execution_id]
        self._messages = {key: each for key, each in self._messages.items() if key[0] in self._rows}
        return len(old)


def _matches(row: ExecutionRow, query: ExecutionQuery) -> bool:
    return (
        (query.workflow is None or row.workflow == query.workflow)
        and (not query.statuses or row.status in query.statuses)
        and (query.parent_id is None or row.parent_id == query.parent_id)
        and row.id.startswith(query.prefix)
        and (query.before is None or (row.created_at, row.id) < query.before)
    )


def _is_old(row: ExecutionRow, now: float) -> bool:
    if row.id != row.root_id or row.status not in _PRUNED or row.retention is None or row.finished_at is None:
        return False
    return row.finished_at + row.retention <= now
