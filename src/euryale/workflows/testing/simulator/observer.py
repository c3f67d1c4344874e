"""What is checked while a simulation runs: each beginning of an attempt, and each write, against the store."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from euryale.kit.clock import ManualClock
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message
from euryale.workflows.record.execution import ExecutionRecord, StepRecord
from euryale.workflows.record.schedule import Fired, Firing
from euryale.workflows.record.states import Status, StepState, UndoState
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, Told
from euryale.workflows.runtime.context import StepContext
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.arrangement import Arrangement
from euryale.workflows.testing.simulator.course import Trace
from euryale.workflows.testing.simulator.distance import DistantStore
from euryale.workflows.testing.simulator.mark_watch import MarkWatch
from euryale.workflows.testing.simulator.places import Place, has_undo, outer, place_of, places
from euryale.workflows.testing.simulator.process import Process
from euryale.workflows.testing.simulator.queue_watch import QueueWatch
from euryale.workflows.testing.simulator.tick_watch import TickWatch
from euryale.workflows.testing.substitution import Part

_SETTLED = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.TIMED_OUT})
_UNDONE = frozenset({UndoState.REVERTED, UndoState.FAILED})


class Observer:
    """Looks at every beginning of an attempt by the worker that owns the execution.

    Whoever does not own it any more does not know better: what it does outside cannot be prevented, what it writes is
    refused.

    Args:
        store: The store itself.
        trace: Where violations are noted.
        clock: The true time.
        codec: How values are written.
        plans: The plans of all workflows, by name.
        arrangement: The queues and the schedules.

    Attributes:
        begun: The attempts that began, by execution and node.
        queues: What was seen of queues.
        ticks: What was seen of schedules.
        marks: What was said by hand.
    """

    def __init__(
        self,
        store: MemoryStore,
        trace: Trace,
        clock: ManualClock,
        codec: Codec,
        plans: Mapping[str, Plan],
        arrangement: Arrangement,
    ) -> None:
        self._store = store
        self._trace = trace
        self._clock = clock
        self._codec = codec
        self._plans = plans
        self.queues = QueueWatch(store, trace, clock, {each.name: each for each in arrangement.queues}, self._value_of)
        timetables = {each.name: each for each in arrangement.timetables}
        self.ticks = TickWatch(store, trace, clock, timetables, self.queues)
        self.marks = MarkWatch(trace, codec, plans)
        self._driven: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        self._left: dict[str, list[str]] = {}
        self._places = {name: places(plan) for name, plan in plans.items()}
        self.begun: defaultdict[str, set[str]] = defaultdict(set)

    def _value_of(self, row: ExecutionRow) -> Any:
        return self._codec.decode(row.input, self._plans[row.workflow].input_type, "an input")

    def enters(self, process: Process, context: StepContext, part: Part) -> None:
        """Take note that a worker calls a step's function, or its compensation's, whether it still may or not."""
        if process.drained is not None and self._clock.monotonic() > process.drained:
            what = f"{process.name}, which was drained, begins {context.execution}/{context.step} ({part})"
            self._trace.violated(what)

    async def begins(self, process: Process, store: DistantStore, context: StepContext) -> None:
        """Take note of an attempt at a step."""
        journal = await self._owned(process, store, context, "do")
        self.begun[context.execution].add(context.step)
        if journal is None:
            return
        self.queues.begins(context.execution)
        self.marks.begins(context.execution, context.step, "do", journal.row.epoch)
        record = ExecutionRecord(journal.entries)
        step, what = record.step(context.step), f"{context.execution}/{context.step}"
        if not journal.row.status.going_forward:
            self._trace.violated(f"{what} begins though its execution is {journal.row.status}")
        if step.forward in _SETTLED:
            self._trace.violated(f"{what} begins again though it is {step.forward}")
        if context.attempt != step.attempts + 1:
            self._trace.violated(f"{what} begins attempt {context.attempt} after {step.attempts} were recorded")
        for other in self._related(context, record, lambda place: place.before):
            if other.forward not in _SETTLED:
                self._trace.violated(f"{what} begins before the result of {other.id} is durable")

    async def undoes(
        self, process: Process, store: DistantStore, context: StepContext, step: Step[..., Any, Any], given: Any
    ) -> None:
        """Take note of an attempt to undo a step."""
        journal = await self._owned(process, store, context, "undo")
        if journal is None:
            return
        self.queues.begins(context.execution)
        self.marks.begins(context.execution, context.step, "undo", journal.row.epoch)
        record = ExecutionRecord(journal.entries)
        known, what = record.step(context.step), f"the compensation of {context.execution}/{context.step}"
        if journal.row.status is not Status.COMPENSATING:
            self._trace.violated(f"{what} begins though its execution is {journal.row.status}")
        if known.backward in _UNDONE or known.forward not in _SETTLED:
            self._trace.violated(f"{what} begins though it is {known.forward}/{known.backward}")
        if context.attempt != known.undo_attempts + 1:
            self._trace.violated(f"{what} begins attempt {context.attempt} after {known.undo_attempts} were recorded")
        ran = context.step in self.begun[context.execution] or self.marks.has(context.execution, context.step, "do")
        if not ran and journal.row.epoch == 1:
            self._trace.violated(f"{what} begins though the step has never run")
        if known.forward is StepState.SUCCEEDED and not self._is_left(known, step, given):
            self._trace.violated(f"{what} is given {given!r}, which the step has not left")
        for other in self._related(context, record, lambda place: place.behind):
            undoable = has_undo(self._plans[context.workflow], other.id)
            if undoable and other.forward in _SETTLED and other.backward not in _UNDONE:
                self._trace.violated(f"{what} begins before {other.id} is undone")

    async def _owned(self, process: Process, store: DistantStore, context: StepContext, part: str) -> Journal | None:
        """Return the journal, if the process owns the execution."""
        journal = await self._store.load(context.execution)
        stale = journal is None or journal.row.owner not in store.owners
        if journal is not None and not stale:
            self._driven[process.name].add((context.execution, journal.row.epoch))
        text = f"{part} {context.execution}/{context.step} attempt {context.attempt}"
        self._trace.note(process.name, f"{text}{' (stale)' if stale else ''}")
        return None if stale else journal

    def _related(
        self, context: StepContext, record: ExecutionRecord, side: Callable[[Place], frozenset[str]]
    ) -> list[StepRecord]:
        """Return what is known of the nodes on that side of a node that have begun."""
        place = place_of(self._places[context.workflow], context.step)
        if place is None:
            self._trace.violated(f"{context.execution} has no node {context.step}")
            return []
        begun = {**dict.fromkeys(sorted(self.begun[context.execution])), **record.steps}
        return [record.step(node) for node in begun if outer(node) in side(place)]

    def _is_left(self, known: StepRecord, step: Step[..., Any, Any], given: Any) -> bool:
        left = known.undo if known.undo is not None else known.output
        wanted = step.signature.undo_type if known.undo is not None else step.signature.output_type
        return left is None or bool(self._codec.decode(left, wanted, "what is left") == given)

    async def write(
        self, owners: Collection[str], commits: Sequence[Commit], write: Callable[[], Awaitable[frozenset[int]]]
    ) -> frozenset[int]:
        """Let a worker write, and see that nothing changes that it does not own."""
        before = {each.execution_id: await self._store.load(each.execution_id) for each in commits}
        refused = await write()
        for at, commit in enumerate(commits):
            if at not in refused:
                self._written(commit)
            known = before[commit.execution_id]
            if at not in refused and known is not None and known.row.owner not in {"", *owners}:
                self._trace.violated(f"{commit.execution_id} of {known.row.owner} is written by {tuple(owners)}")
        for name, was in before.items():
            now = await self._store.load(name)
            if was is None or now is None:
                continue
            changed = len(now.entries) != len(was.entries) or now.row.status is not was.row.status
            if changed and not was.row.owner:
                self._trace.violated(f"{name}, which nobody owns, is written by {tuple(owners)}")
            if now.row.epoch < was.row.epoch:
                self._trace.violated(f"the epoch of {name} goes back")
            if was.entries and now.entries[: len(was.entries)] != was.entries:
                self._trace.violated(f"the journal of {name} was changed")
        return refused

    def _written(self, commit: Commit) -> None:
        for row in commit.create:
            self.queues.created(row)
        if commit.change is not None:
            self.queues.changed(commit.execution_id, commit.change.status)

    async def claims(self, claim: Claim, take: Callable[[], Awaitable[Claimed]]) -> Claimed:
        """Let a worker be given executions."""
        claimed = await take()
        if claimed.rows:
            await self.queues.claimed(claim, claimed.rows)
        return claimed

    async def makes_due(self, now: float, make: Callable[[], Awaitable[int]]) -> int:
        """Let a worker have what its clock would hold up made due."""
        made = await make()
        self.queues.made_due(now)
        return made

    async def enters_queue(self, entrance: Entrance, enter: Callable[[], Awaitable[Entered]]) -> Entered:
        """Let an execution into a queue, or not."""
        entered = await enter()
        await self.queues.entered(entrance, entered)
        return entered

    async def posts(self, message: Message) -> Told | None:
        """Let an execution be told something."""
        told = await self._store.post(message)
        if told is not None and told.number:
            self.queues.posted(message)
            journal = await self._store.load(message.execution_id)
            self.marks.posted(message, 0 if journal is None else journal.row.epoch)
        return told

    def registers(self, name: str, now: float) -> None:
        """Take note of a schedule that is made known."""
        self.ticks.registered(name, now)

    def asks(self, process: Process, firing: Firing) -> None:
        """Take note of what a worker wants to happen with a tick."""
        self.ticks.asks(process.name, firing, process.now().timestamp())

    async def fires(self, firing: Firing, fire: Callable[[], Awaitable[Fired]]) -> Fired:
        """Let a tick be decided."""
        return await self.ticks.fires(firing, fire)

    async def retires(self, process: Process, owner: str) -> None:
        """Take note of what a worker has begun to do and not let go of when it signs off."""
        journals = await self._store.load_all(tuple(await self._store.told(owner)))
        driven = self._driven[process.name]
        self._left[process.name] = [each.row.id for each in journals if (each.row.id, each.row.epoch) in driven]

    def left_by(self, process: Process) -> list[str]:
        """Return what a worker had not let go of when it signed off."""
        return self._left.get(process.name, [])
