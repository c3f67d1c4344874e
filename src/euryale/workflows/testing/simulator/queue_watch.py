"""What queues promise, checked at the door of the store: by what was started and given out, not by what rows say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from euryale.kit.clock import ManualClock
from euryale.workflows.definition.queue import Queue
from euryale.workflows.record.entry import ExecutionRow, Message
from euryale.workflows.record.states import Status
from euryale.workflows.requests import Claim, Entered, Entrance
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.arrangement import Start
from euryale.workflows.testing.simulator.course import Trace

_PROMPT: Final = 0.1
_NO_ENTRIES: Final = 2**62


@dataclass(slots=True)
class Ticket:
    """What was seen of an execution that nobody called.

    Attributes:
        name: Its id.
        queue: The queue that it waits in, or None.
        key: Its key there, or an empty string.
        dedup: Its dedup key, or an empty string.
        urgency: Who comes first: the least one.
        due: When it may begin, in seconds since the epoch.
        owner: Who it was given to last.
        begun: Whether it was given to somebody in its turn.
        told: Whether it was told to end.
        waived: Whether that was before its turn came.
        turned: Whether it is being undone, or was.
        ended: Whether it has ended.
        retried: Whether somebody had it undone again after its end: that waits for no slot.
    """

    name: str
    queue: Queue | None
    key: str
    dedup: str
    urgency: tuple[int, float, float, str]
    due: float
    owner: str = ""
    begun: bool = False
    told: bool = False
    waived: bool = False
    turned: bool = False
    ended: bool = False
    retried: bool = False

    @property
    def holds(self) -> bool:
        """Whether it has begun and has not ended."""
        return self.begun and not self.ended


class QueueWatch:
    """Keeps count of what begins in queues.

    Args:
        store: The store itself.
        trace: Where violations are noted.
        clock: The true time.
        queues: The queues, by name.
        value_of: Gives the input of an execution.
    """

    def __init__(
        self,
        store: MemoryStore,
        trace: Trace,
        clock: ManualClock,
        queues: Mapping[str, Queue],
        value_of: Callable[[ExecutionRow], Any],
    ) -> None:
        self._store = store
        self._trace = trace
        self._clock = clock
        self._queues = queues
        self._value_of = value_of
        self._tickets: dict[str, Ticket] = {}
        self._lines: dict[str, list[Ticket]] = {name: [] for name in queues}
        self._prompt: dict[str, list[float]] = {name: [] for name in queues}
        self.asked: dict[str, Start] = {}

    def has_ended(self, name: str) -> bool:
        """Return whether an execution that nobody called has ended."""
        return self._tickets[name].ended

    def is_undone(self, name: str) -> bool:
        """Return whether it is being undone, or was."""
        return self._tickets[name].turned

    # what happens

    def created(self, row: ExecutionRow) -> None:
        """An execution is written for the first time, or again."""
        if row.parent_id or row.id in self._tickets:
            return
        queue = self._queues.get(row.queue)
        key = "" if queue is None or queue.key is None else queue.key(self._value_of(row)) or ""
        due = row.created_at if row.available_at is None else row.available_at
        urgency = (-row.priority, due, row.created_at, row.id)
        ticket = Ticket(row.id, queue, key, row.dedup_key, urgency, due, row.owner, begun=bool(row.owner))
        if (start := self.asked.get(row.id)) is not None:
            self._check_as_asked(row, start)
            self._check_alone(ticket)
        if queue is not None:
            if row.owner:
                self._trace.violated(f"{row.id} begins without its turn in {queue.name}")
            self._lines[queue.name].append(ticket)
        self._tickets[row.id] = ticket

    def changed(self, name: str, status: Status) -> None:
        """An execution's status was written."""
        ticket = self._tickets.get(name)
        if ticket is None:
            return
        if status is Status.COMPENSATING:
            ticket.turned = True
            ticket.retried = ticket.retried or ticket.ended
        ticket.ended = status.ended

    def posted(self, message: Message) -> None:
        """A message was kept for an execution."""
        if message.kind == "cancel":
            self.cancelled(message.execution_id)

    def cancelled(self, name: str) -> None:
        """An execution was told to end; before its turn, it waits for no turn any more."""
        ticket = self._tickets.get(name)
        if ticket is not None:
            ticket.told = True
            ticket.waived = ticket.waived or not ticket.begun

    async def entered(self, entrance: Entrance, entered: Entered) -> None:
        """An execution was let into a queue, or was not."""
        name, verdict = entrance.row.id, entered.verdict
        queue = self._queues[entrance.row.queue]
        known = self._tickets.get(entered.execution_id)
        same = known is not None and not known.ended and not known.waived and known.queue is queue
        if verdict == "known" and name not in self._tickets:
            self._trace.violated(f"{name} is said to be known, and is not")
        if verdict == "duplicate" and not (same and known is not None and known.dedup == self.asked[name].deduplicate):
            self._trace.violated(f"{name} joins {entered.execution_id}, which is not under way under its dedup key")
        if verdict == "rejected":
            others = self._others(queue, queue.key_of(self._value_of(entrance.row)))
            if queue.policy != "reject" or len(others) < queue.key_concurrency:
                self._trace.violated(f"{name} is rejected, and nobody has its key")
        if verdict != "created":
            return
        others = self._others(queue, queue.key_of(self._value_of(entrance.row)))
        self.created(entrance.row)
        for message, told in entered.told:
            if told.number:
                self.posted(message)
        for other in others:
            ends = queue.policy == "cancel" or (queue.policy == "replace" and not other.begun)
            if ends and not other.turned and not await self._is_told(other):
                self._trace.violated(f"{name} enters {queue.name}, and {other.name}, which has its key, is not told")

    def made_due(self, now: float) -> None:
        """What was due when it was created is due by that clock, too."""
        for ticket in self._tickets.values():
            priority, _, created_at, name = ticket.urgency
            if not ticket.begun and not ticket.waived and now < ticket.due <= created_at:
                ticket.due, ticket.urgency = now, (priority, now, created_at, name)

    async def claimed(self, claim: Claim, rows: Iterable[ExecutionRow]) -> None:
        """A worker was given executions."""
        new: dict[str, list[Ticket]] = {}
        for row in rows:
            ticket = self._tickets.get(row.id)
            if ticket is None:
                continue
            ticket.owner = claim.owner
            if ticket.queue is not None:
                new.setdefault(ticket.queue.name, [])
            if ticket.begun or ticket.waived:
                continue
            ticket.begun = True
            if claim.now < ticket.due and not ticket.told:
                self._trace.violated(f"{ticket.name} begins {ticket.due - claim.now:.3f} s before its delay is over")
            if ticket.queue is not None:
                new[ticket.queue.name].append(ticket)
        for name, begun in new.items():
            await self._check_claimed(self._queues[name], claim, begun)

    def begins(self, execution: str) -> None:
        """An attempt at a step begins."""
        ticket = self._tickets.get(execution)
        if ticket is None or ticket.queue is None:
            return
        if ticket.waived:
            self._trace.violated(f"{execution} was cancelled before its turn, and begins")
        elif not ticket.begun:
            self._trace.violated(f"{execution} begins without its turn in {ticket.queue.name}")

    # what must hold

    def _others(self, queue: Queue, key: str) -> list[Ticket]:
        """Return those that have the key, or wait for it."""
        line = self._lines[queue.name]
        return [each for each in line if key and each.key == key and not each.ended and not each.waived]

    async def _is_told(self, other: Ticket) -> bool:
        journal = await self._store.load(other.name, after=_NO_ENTRIES)
        return journal is not None and any(message.kind == "cancel" for message in journal.messages)

    def _check_as_asked(self, row: ExecutionRow, start: Start) -> None:
        wanted = "" if start.queue is None else start.queue.name
        if (row.queue, row.priority, row.dedup_key) != (wanted, start.priority, start.deduplicate):
            self._trace.violated(f"{row.id} was to wait in {wanted or 'no queue'}, and is written otherwise")
        due = row.created_at if row.available_at is None else row.available_at
        if due < row.created_at + start.delay:
            self._trace.violated(f"{row.id} was to wait for {start.delay:.3f} s")

    def _check_alone(self, ticket: Ticket) -> None:
        """What is started joins who has its dedup key, and is rejected by those who have its key."""
        queue = ticket.queue
        if queue is None:
            return
        unfinished = [each for each in self._lines[queue.name] if not each.ended and not each.waived]
        for each in unfinished:
            if ticket.dedup and each.dedup == ticket.dedup:
                self._trace.violated(f"{ticket.name} is started beside {each.name}, which has its dedup key")
        if queue.policy == "reject" and len(self._others(queue, ticket.key)) >= queue.key_concurrency:
            self._trace.violated(f"{ticket.name} is started in {queue.name}, which had to reject it")

    async def _check_claimed(self, queue: Queue, claim: Claim, begun: Sequence[Ticket]) -> None:
        holding = [each for each in self._lines[queue.name] if each.holds and not each.retried]
        self._check_limit(queue, "at once", len(holding), queue.concurrency)
        for key in {each.key: None for each in begun if each.key}:
            of_key = sum(each.key == key for each in holding)
            self._check_limit(queue, f"of key {key}", of_key, queue.key_concurrency)
        if queue.worker_concurrency is not None:
            mine = [each.name for each in holding if each.owner == claim.owner]
            rows = [journal.row.owner for journal in await self._store.load_all(mine)]
            self._check_limit(queue, f"on {claim.owner}", rows.count(claim.owner), queue.worker_concurrency)
        self._check_rate(queue, claim, len(begun))
        self._check_order(queue, claim, begun)

    def _check_limit(self, queue: Queue, what: str, number: int, limit: int | None) -> None:
        if limit is not None and number > limit:
            self._trace.violated(f"{number} executions of {queue.name} {what}, and not at most {limit}")

    def _check_rate(self, queue: Queue, claim: Claim, number: int) -> None:
        """Count those that were given out at once, to workers whose clock is right: the rate goes by their clocks."""
        now = self._clock.now().timestamp()
        if queue.rate is None or not number or abs(claim.now - now) > _PROMPT:
            return
        starts = self._prompt[queue.name]
        starts.extend([now] * number)
        window = sum(at > now - queue.rate.seconds + 2 * _PROMPT for at in starts)
        self._check_limit(queue, f"in {queue.rate.seconds:g} s", window, queue.rate.limit)

    def _check_order(self, queue: Queue, claim: Claim, begun: Sequence[Ticket]) -> None:
        line = self._lines[queue.name]
        for other in line:
            if other.begun or other.waived or other.due > claim.now:
                continue
            full = queue.key is not None and sum(each.holds and each.key == other.key for each in line)
            if other.key and full >= queue.key_concurrency:
                continue
            for each in begun:
                if other.urgency < each.urgency:
                    self._trace.violated(f"{each.name} begins before {other.name}, which comes first")
