"""What is checked while a simulation runs: each beginning of an attempt, and each write, against the store."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Commit, Journal
from euryale.workflows.record.execution import ExecutionRecord, StepRecord
from euryale.workflows.record.states import Status, StepState, UndoState
from euryale.workflows.runtime.context import StepContext
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.simulator.course import Trace
from euryale.workflows.testing.simulator.places import Place, has_undo, outer, place_of, places
from euryale.workflows.testing.simulator.worker import DistantStore, Process

_SETTLED = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.TIMED_OUT})
_UNDONE = frozenset({UndoState.REVERTED, UndoState.FAILED})


class Observer:
    """Looks at every beginning of an attempt by the worker that owns the execution.

    Whoever does not own it any more does not know better: what it does outside cannot be prevented, what it writes is
    refused.

    Args:
        store: The store itself.
        trace: Where violations are noted.
        codec: How values are written.
        plans: The plans of all workflows, by name.

    Attributes:
        begun: The attempts that began, by execution and node.
    """

    def __init__(self, store: MemoryStore, trace: Trace, codec: Codec, plans: Mapping[str, Plan]) -> None:
        self._store = store
        self._trace = trace
        self._codec = codec
        self._plans = plans
        self._places = {name: places(plan) for name, plan in plans.items()}
        self.begun: defaultdict[str, set[str]] = defaultdict(set)

    async def begins(self, process: Process, store: DistantStore, context: StepContext) -> None:
        """Take note of an attempt at a step."""
        journal = await self._owned(process, store, context, "do")
        self.begun[context.execution].add(context.step)
        if journal is None:
            return
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
        record = ExecutionRecord(journal.entries)
        known, what = record.step(context.step), f"the compensation of {context.execution}/{context.step}"
        if journal.row.status is not Status.COMPENSATING:
            self._trace.violated(f"{what} begins though its execution is {journal.row.status}")
        if known.backward in _UNDONE or known.forward not in _SETTLED:
            self._trace.violated(f"{what} begins though it is {known.forward}/{known.backward}")
        if context.attempt != known.undo_attempts + 1:
            self._trace.violated(f"{what} begins attempt {context.attempt} after {known.undo_attempts} were recorded")
        if context.step not in self.begun[context.execution] and journal.row.epoch == 1:
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
