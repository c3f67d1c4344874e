"""The store for tests: everything in dictionaries, gone with the process."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.workflows.ports import Listener, Reader
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.queueing import Admission, Occupancy, QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow, decide
from euryale.workflows.record.states import Slot, Status
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, ExecutionQuery, Told, settled

_PRUNED = frozenset({Status.SUCCEEDED, Status.REVERTED})
_AT_ONCE = 0.0
_NONE: frozenset[int] = frozenset()
_THE_FIRST = frozenset({0})


@dataclass
class _Outbox:
    staged: dict[str, StagedEvent] = field(default_factory=dict)
    released: dict[str, StagedEvent] = field(default_factory=dict)


class MemoryStore:
    """Keeps all that a durable store keeps, but only as long as the object lives.

    Args:
        shared: Whether several engines of this process use it at the same time, as workers of a fleet; else whoever
            opens it takes over from whoever had it.
        clock: What leases are measured by.
    """

    instant = True

    def __init__(self, *, shared: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self.shared = shared
        self._clock = clock
        self._rows: dict[str, ExecutionRow] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._messages: dict[str, dict[tuple[str, str, str], Message]] = {}
        self._ready: dict[str, ExecutionRow] = {}
        self._queues: dict[str, dict[str, ExecutionRow]] = {}
        self._outbox = _Outbox()
        self._leases: dict[str, float] = {}
        self._listeners: list[Listener] = []
        self._schedules: dict[str, ScheduleRow] = {}

    async def open(self) -> None:
        """Nothing is to be done."""

    async def close(self) -> None:
        """Keep everything: a test may open it again, as after a restart."""

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        return self._write(commits)

    def write_at_once(self, commits: Sequence[Commit]) -> frozenset[int] | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        if len(commits) == 1:
            return _NONE if self._apply(commits[0]) else _THE_FIRST
        return self._write(commits)

    def _write(self, commits: Sequence[Commit]) -> frozenset[int]:
        return frozenset([position for position, commit in enumerate(commits) if not self._apply(commit)])

    def _apply(self, commit: Commit) -> bool:
        if not self._accepts(commit):
            return False
        for row in commit.create:
            self._put(row)
            self._entries[row.id] = []
        if commit.entries:
            journal = self._entries[commit.execution_id]
            if not journal or journal[-1].seq < commit.entries[0].seq:  # else it is repeated
                journal.extend(commit.entries)
        if commit.change is not None or commit.release is not None:
            self._put(_changed(self._rows[commit.execution_id], commit))
        if commit.stage or commit.events != "keep":
            self._apply_events(commit)
        if commit.wake and (woken := self._rows.get(commit.wake)) is not None:
            self._put(_told(woken))
        return True

    def _put(self, row: ExecutionRow) -> None:
        self._rows[row.id] = row
        if row.queue:
            self._queues.setdefault(row.queue, {})[row.id] = row
        if row.owner or row.status.ended:
            self._ready.pop(row.id, None)
        else:
            self._ready[row.id] = row

    def _accepts(self, commit: Commit) -> bool:
        if commit.create and any(self._is_taken(row) or not self._knows(row.owner) for row in commit.create):
            return False
        current = self._rows.get(commit.execution_id)
        if current is None:
            return any(row.id == commit.execution_id for row in commit.create)
        if commit.heard is not None and current.messages > commit.heard and self._is_cancelled(current):
            return False
        return current.epoch == commit.epoch and (not self.shared or bool(current.owner) or self._is_repeated(commit))

    def _is_cancelled(self, row: ExecutionRow) -> bool:
        return any(kind == "cancel" for kind, _, _ in self._messages.get(row.id, {}))

    def _is_repeated(self, commit: Commit) -> bool:
        journal = self._entries[commit.execution_id]
        return all(entry in journal for entry in commit.entries) and all(row.id in self._rows for row in commit.create)

    def _knows(self, owner: str) -> bool:
        """Whether somebody takes over from that worker when it dies."""
        return not self.shared or not owner or owner in self._leases

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

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        row = self._rows.get(execution_id)
        if row is None:
            return None
        entries = self._entries[execution_id][after:]
        return Journal(row, tuple(entries), tuple(self._messages.get(execution_id, {}).values()))

    async def load_all(self, execution_ids: Sequence[str]) -> tuple[Journal, ...]:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        journals = [await self.load(execution_id) for execution_id in execution_ids]
        return tuple(journal for journal in journals if journal is not None)

    async def claim(self, claim: Claim) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        known = [row for row in self._claimable(claim) if not _is_apart(row, claim)]
        due = sorted((row for row in known if _is_due(row, claim.now) and self._knows(claim.owner)), key=_urgency)
        taken = tuple(self._take(row, claim.owner, claim.now) for row in due[: claim.limit])
        later = [row.available_at for row in self._still(known) if row.available_at is not None]
        return Claimed(taken, min(later, default=None))

    def _claimable(self, claim: Claim) -> Iterable[ExecutionRow]:
        return (row for row in self._ready.values() if row.plan_hash in claim.plans and not row.stranded)

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        taken: list[ExecutionRow] = []
        dues: list[float] = []
        for limits in queues if self._knows(claim.owner) else ():
            waiting = [
                row for row in self._claimable(claim) if row.queue == limits.name and row.available_at is not None
            ]
            left = claim.limit - len(taken)
            given, by_rate = self._give(limits, sorted(waiting, key=_urgency), replace(claim, limit=left))
            taken += given
            dues += [row.available_at or _AT_ONCE for row in waiting if not _is_due(row, claim.now)]
            dues += [] if by_rate is None else [by_rate]
            if given and len(taken) >= claim.limit:
                dues.append(claim.now)
        return Claimed(tuple(taken), min(dues, default=None))

    def _give(
        self, limits: QueueLimits, waiting: Sequence[ExecutionRow], claim: Claim
    ) -> tuple[list[ExecutionRow], float | None]:
        """Give out what is due of a queue; return that, and when the rate lets the next one begin."""
        due = [row for row in waiting if _is_due(row, claim.now)]
        held = [row for row in self._queues.get(limits.name, {}).values() if row.slot is Slot.HELD]
        driven = sum(row.owner == claim.owner for row in held)
        left = claim.limit if limits.worker_concurrency is None else limits.worker_concurrency - driven
        resumed = [row for row in due if row.slot is Slot.HELD and limits.name in claim.apart]
        resumed = resumed[: max(0, min(left, claim.limit))]
        occupied = [row for row in held if not row.status.ended]
        occupancy = Occupancy(
            held=len(occupied),
            driven=driven + len(resumed),
            by_key=Counter(row.queue_key for row in occupied),
            starts=sorted((row.started_at for row in held if row.started_at is not None), reverse=True),
        )
        admission = Admission(limits, occupancy, claim.now, claim.limit - len(resumed))
        begun = [row for row in due if row.slot is Slot.WAITING and admission.offer(row.queue_key)]
        given = [self._take(row, claim.owner, claim.now) for row in (*resumed, *begun)]
        return given, admission.next_by_rate

    async def enter(self, entrance: Entrance) -> Entered:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        new = entrance.row
        if new.id in self._rows:
            return Entered("known", new.id)
        in_queue = self._queues.get(new.queue, {}).values()
        unfinished = [row for row in in_queue if not row.status.ended and row.slot is not Slot.WAIVED]
        duplicate = next((row for row in unfinished if new.dedup_key and row.dedup_key == new.dedup_key), None)
        if duplicate is not None:
            return Entered("duplicate", duplicate.id)
        others = [row for row in unfinished if new.queue_key and row.queue_key == new.queue_key]
        if entrance.policy == "reject" and len(others) >= entrance.key_concurrency:
            return Entered("rejected", others[0].id)
        self._apply(entrance.commit)
        messages = [entrance.cancellation_of(row.id, row.slot) for row in others]
        told = [
            (message, kept)
            for message in messages
            if message is not None and (kept := await self.post(message)) is not None and kept.number
        ]
        return Entered("created", new.id, tuple(told))

    def _still(self, rows: Iterable[ExecutionRow]) -> Iterable[ExecutionRow]:
        return (row for row in rows if row.id in self._ready)

    async def make_due(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        held_up = sorted((row for row in self._ready.values() if _is_held_up(row, now)), key=_age)[:limit]
        for row in held_up:
            self._put(replace(row, available_at=now))
        return len(held_up)

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        row = self._rows.get(execution_id)
        if row is None or row.owner or row.slot is Slot.WAITING or not self._knows(owner):
            return row
        return self._take(replace(row, stranded=""), owner, row.created_at)

    def _take(self, row: ExecutionRow, owner: str, now: float) -> ExecutionRow:
        status = Status.RUNNING if row.status is Status.PENDING else row.status
        started = row.started_at if row.started_at is not None else now
        slot = Slot.HELD if row.slot is Slot.WAITING else row.slot
        self._put(replace(row, owner=owner, epoch=row.epoch + 1, status=status, started_at=started, slot=slot))
        return self._rows[row.id]

    async def post(self, message: Message) -> Told | None:
        """See :class:`~euryale.workflows.ports.JournalStore`."""
        row = self._rows.get(message.execution_id)
        if row is None:
            return None
        kept = self._messages.setdefault(row.id, {})
        key = (message.kind, message.step, message.key)
        if key in kept or not row.status.takes(message.kind):
            return Told(0, row.status, row.owner)
        self._put(_told(row) if row.status is not Status.PENDING else _told_before(row, message))
        number = row.messages + 1
        kept[key] = replace(message, number=number)
        return Told(number, row.status, row.owner)

    async def enlist(self, owner: str, lease: float) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        if not self.shared:
            for former in {row.owner for row in self._rows.values()} - {"", owner}:
                await self.retire(former)
        self._leases[owner] = self._clock.monotonic() + lease

    async def renew(self, owner: str, lease: float) -> bool:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        if owner not in self._leases:
            return False
        self._leases[owner] = self._clock.monotonic() + lease
        return True

    async def retire(self, owner: str) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        self._leases.pop(owner, None)
        for row in [row for row in self._rows.values() if row.owner == owner]:
            self._put(replace(row, owner="", epoch=row.epoch + 1, available_at=_AT_ONCE))

    async def reap(self) -> tuple[str, ...]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        now = self._clock.monotonic()
        dead = tuple(owner for owner, until in self._leases.items() if until < now)
        for owner in dead:
            await self.retire(owner)
        return dead

    async def told(self, owner: str) -> dict[str, int]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        return {row.id: row.messages for row in self._rows.values() if row.owner == owner and not row.status.ended}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def announce(self, notices: Collection[str]) -> None:
        """See :class:`~euryale.workflows.ports.FleetStore`."""
        for listener in self._listeners:
            asyncio.get_running_loop().call_soon(listener, notices)

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        row = self._schedules.get(name) or ScheduleRow(name, cadence, now)
        if row.cadence != cadence:
            row = replace(row, cadence=cadence, decided=max(row.decided, now))
        self._schedules[name] = row
        return row

    async def fire(self, firing: Firing) -> Fired:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        row = self._schedules.get(firing.schedule) or ScheduleRow(firing.schedule, firing.cadence, firing.at)
        execution, former = firing.execution, self._rows.get(row.execution)
        known = execution is not None and execution.id in self._rows
        decision = decide(row, firing, known=known, former_open=former is not None and not former.status.ended)
        if decision.creates and execution is not None and firing.terms is not None:
            entered = await self.enter(Entrance.on(firing.terms, execution))
            decision = settled(decision, row, firing, entered)
        elif decision.creates and execution is not None:
            self._apply(Commit(execution.id, execution.epoch, create=(execution,)))
        if decision.fired.cancelled:
            await self.post(Message(decision.fired.cancelled, "cancel", "", b"null", firing.at))
        self._schedules[row.name] = decision.fired.row
        return decision.fired

    async def scheduled(self) -> tuple[ScheduleRow, ...]:
        """See :class:`~euryale.workflows.ports.ScheduleStore`."""
        return tuple(self._schedules[name] for name in sorted(self._schedules))

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

    def reader(self) -> Reader:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        return self

    async def prune(self, now: float, limit: int) -> int:
        """See :class:`~euryale.workflows.ports.InsightStore`."""
        old = [row.id for row in self._rows.values() if _is_old(row, now)][:limit]
        family = [row.id for row in self._rows.values() if row.root_id in old]
        for execution_id in family:
            row = self._rows.pop(execution_id)
            self._queues.get(row.queue, {}).pop(execution_id, None)
            del self._entries[execution_id]
            self._messages.pop(execution_id, None)
        return len(old)


def _changed(row: ExecutionRow, commit: Commit) -> ExecutionRow:
    if (change := commit.change) is not None:
        row = replace(
            row,
            status=change.status,
            reason=change.reason,
            output=change.output,
            error=change.error,
            finished_at=change.finished_at,
            partial=change.partial,
            owner="" if change.status.ended else row.owner,
        )
    if (release := commit.release) is not None and row.owner:
        due = _AT_ONCE if row.messages > release.seen else release.due
        row = replace(row, owner="", available_at=due, stranded=release.stranded)
    return row


def _told(row: ExecutionRow) -> ExecutionRow:
    return replace(row, messages=row.messages + 1, available_at=row.available_at if row.owner else _AT_ONCE)


def _told_before(row: ExecutionRow, message: Message) -> ExecutionRow:
    """Return one that has not begun, told something: that it is to end is the one thing that it need not wait for."""
    row = replace(row, messages=row.messages + 1)
    if message.kind != "cancel":
        return row
    slot = Slot.WAIVED if row.slot is Slot.WAITING else row.slot
    return replace(row, slot=slot, available_at=_AT_ONCE)


def _is_apart(row: ExecutionRow, claim: Claim) -> bool:
    return row.slot is Slot.WAITING or (row.slot is Slot.HELD and row.queue in claim.apart)


def _is_due(row: ExecutionRow, now: float) -> bool:
    return row.available_at is not None and row.available_at <= now


def _is_held_up(row: ExecutionRow, now: float) -> bool:
    """Whether one that was due when it was created is not, by the clock of whoever asks."""
    at = row.available_at
    return row.status is Status.PENDING and at is not None and now < at <= row.created_at


def _age(row: ExecutionRow) -> tuple[float, str]:
    return row.created_at, row.id


def _urgency(row: ExecutionRow) -> tuple[int, float, float, str]:
    return (-row.priority, row.available_at or _AT_ONCE, row.created_at, row.id)


def _matches(row: ExecutionRow, query: ExecutionQuery) -> bool:
    return (
        (query.workflow is None or row.workflow == query.workflow)
        and (not query.statuses or row.status in query.statuses)
        and (query.parent_id is None or row.parent_id == query.parent_id)
        and row.id.startswith(query.prefix)
        and (query.queue is None or row.queue == query.queue)
        and (query.before is None or (row.created_at, row.id) < query.before)
    )


def _is_old(row: ExecutionRow, now: float) -> bool:
    if row.owner or row.id != row.root_id or row.status not in _PRUNED:
        return False
    if row.retention is None or row.finished_at is None:
        return False
    return row.finished_at + row.retention <= now
