"""The way back: undo everything that ran or may have run, in reverse, each with retries of its own."""

from functools import partial
from typing import Any

from euryale.workflows.definition.graph import Vertex
from euryale.workflows.definition.nodes import ChildNode, StepNode
from euryale.workflows.definition.step import Compensation
from euryale.workflows.record.entry import Message, Release
from euryale.workflows.record.states import EntryKind, Status, StepState, UndoState
from euryale.workflows.runtime.children import Children
from euryale.workflows.runtime.context import StepContext
from euryale.workflows.runtime.fanout import Fan, Unchecked, group_at
from euryale.workflows.runtime.feed import UNDO_ENDED, UNDO_STARTED
from euryale.workflows.runtime.invocation import Call, Raised, Returned, invoke
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.marks import Marks
from euryale.workflows.runtime.nesting import child_execution_id
from euryale.workflows.runtime.resting import Resting
from euryale.workflows.runtime.run import Run

_TO_UNDO = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.TIMED_OUT})
_TRIED = frozenset({UndoState.REVERTED, UndoState.FAILED})


class Backward:
    """Undoes one execution. A compensation that gives up does not stop the ones before it."""

    def __init__(self, run: Run, children: Children, marks: Marks) -> None:
        self._run = run
        self._children = children
        self._marks = marks
        self._order = run.unwinding()
        self._lanes = Lanes()
        self._resting = Resting(run, self._lanes)

    async def go(self) -> bool | None:
        """Return when everything has been tried: whether everything was undone.

        None is returned if it was let go of meanwhile, since it only waits for the next attempts.

        Raises:
            StoreError: If something could not be written; the execution is left as the journal has it.
        """
        await self._lanes.run(self._order.begin(), self._visit, self._resting.look)
        if self.released is not None:
            return None
        return all(record.backward is not UndoState.FAILED for record in self._run.record.steps.values())

    @property
    def released(self) -> Release | None:
        """Given when the execution was let go of, since it only waits."""
        return self._resting.released

    def let_go(self) -> None:
        """Let go of it now, if it only waits."""
        self._resting.look()

    def end(self, error: Exception) -> None:
        """Have :meth:`go` raise that, wherever it is; whatever runs is interrupted."""
        self._lanes.end(error)

    async def _visit(self, lane: Lane) -> list[Vertex]:
        if lane.vertex.kind in {"each", "hook"}:
            await self._undo_items(lane)
            return self._order.complete(lane.vertex)
        record = self._run.node(lane.vertex.id)
        if record.forward in _TO_UNDO and not record.adopted and record.backward not in _TRIED:
            match lane.vertex.node:
                case StepNode() as node if node.step.compensation is not None:
                    await self._undo(lane, node, node.step.compensation)
                case ChildNode() as node:
                    await self._resting.between_steps(lane)
                    await self._undo_child(lane, node)
                case _:
                    pass
        return self._order.complete(lane.vertex) if lane.fan is None else lane.fan.following()

    async def _undo_items(self, lane: Lane) -> None:
        """Undo what was begun of a ``for_each`` or a hook, the last one first, as many at a time."""
        known = self._run.record.steps
        if not any(node.startswith(f"{lane.vertex.id}[") for node in known):
            return
        group = group_at(self._run, lane.vertex)
        begun = [each for each in group.vertices if each.id in known]
        await Fan(lane, self._lanes, reversed(begun), Unchecked()).run(group.concurrency)

    async def _undo(self, lane: Lane, node: StepNode, compensation: Compensation) -> None:
        work = partial(self._compensate, compensation=compensation)
        await self._marks.unless_marked(lane, node, work, self._take_mark)

    async def _take_mark(self, lane: Lane, node: StepNode, mark: Message) -> None:
        """Take in that a person has undone a step."""
        if lane.idle:
            await self._resting.end(lane)
        record = self._run.node(node.id)
        if record.backward not in _TRIED:  # else the mark came while the end of the last attempt was written
            attempt = record.undo_attempts
            self._run.note(EntryKind.UNDO_SUCCEEDED, node.id, attempt=attempt, message=mark.number)
        await self._run.flush()

    async def _compensate(self, lane: Lane, node: StepNode, compensation: Compensation) -> None:
        record = self._run.node(node.id)
        await self._resting.until(lane, record.due if record.undo_attempts else None)
        attempt = record.undo_attempts
        while True:
            await self._resting.between_steps(lane)
            attempt += 1
            started = self._run.begin(node.id, attempt, name=UNDO_STARTED, of=node.step.name)
            outcome = await self._attempt(node, compensation, attempt)
            if isinstance(outcome, Returned):
                self._run.note(EntryKind.UNDO_SUCCEEDED, node.id, attempt=attempt, started=started)
                await self._run.flush()
                return
            if not compensation.retry.allows(outcome.error, attempt):
                details = {"attempt": attempt, "started": started}
                self._run.note_failure(EntryKind.UNDO_FAILED, node.id, outcome.error, **details)
                await self._run.flush()
                return
            self._note_retry(node, compensation, outcome, attempt, started)
            await self._resting.until(lane, self._run.node(node.id).due)
            if self._run.has_news:  # it was due at once
                await self._run.flush()

    def _note_retry(
        self, node: StepNode, compensation: Compensation, raised: Raised, attempt: int, started: float
    ) -> None:
        tools = self._run.tools
        due = tools.now() + compensation.retry.delay(attempt, random=tools.random())
        details = {"attempt": attempt, "started": started, "due": due}
        self._run.note_failure(EntryKind.UNDO_RETRYING, node.id, raised.error, **details)

    async def _attempt(self, node: StepNode, compensation: Compensation, attempt: int) -> Returned | Raised:
        outcome: Returned | Raised | None = None
        try:
            outcome = await self._call(node, compensation, attempt)
            return outcome
        finally:
            self._run.end(node.id, attempt, outcome, name=UNDO_ENDED, of=node.step.name)

    async def _call(self, node: StepNode, compensation: Compensation, attempt: int) -> Returned | Raised:
        run = self._run
        given = dict(node.arguments)
        defaults = node.step.signature.defaults
        try:
            arguments = {
                name: run.evaluate(given[name]) if name in given else defaults[name] for name in compensation.forwarded
            }
        except Exception as error:  # noqa: BLE001 -- a transform or an attribute of the user's values
            return Raised(error)
        context = StepContext(run.plan.name, run.row.id, run.row.root_id, node.id, attempt, run.failure())
        call = Call(
            compensation.function, compensation.is_async, arguments, compensation.injected, compensation.timeout,
            context, positional=(self._undo_value(node.id),),
        )  # fmt: skip
        return await invoke(call, run.tools.resolver, run.tools.threads, run.tools.clock)

    def _undo_value(self, node: str) -> Any:
        if node in self._run.undos:
            return self._run.undos[node]
        return self._run.outputs.get(node)

    async def _undo_child(self, lane: Lane, node: ChildNode) -> None:
        run, child_id = self._run, child_execution_id(self._run.row.id, node.id)
        started = run.begin(node.id, 1, name=UNDO_STARTED)
        again = run.node(node.id).backward is UndoState.PENDING
        reverting = self._children.revert(child_id, parent=run.row.id, again=again)
        outcome = await self._resting.unless_draining(lane, reverting)
        if outcome is not None and outcome.row.status is Status.FAILED:
            error = RuntimeError(f"{child_id} could not be undone: see its compensations")
            run.note_failure(EntryKind.UNDO_FAILED, node.id, error, attempt=1, started=started)
        else:
            run.note(EntryKind.UNDO_SUCCEEDED, node.id, attempt=1, started=started)
        await run.flush()
