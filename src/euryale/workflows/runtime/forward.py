"""The way forward: what is done at each place of the plan, until its end or a turn."""

from collections.abc import Awaitable, Iterator
from typing import Final

from euryale.workflows.definition.graph import Kind, Vertex
from euryale.workflows.definition.nodes import (
    ChoiceNode,
    EmitNode,
)
from euryale.workflows.errors import PayloadError, PermanentFailure
from euryale.workflows.record.entry import Message, Release
from euryale.workflows.record.states import EntryKind, Reason, Slot, StepState
from euryale.workflows.runtime.attempts import Attempts
from euryale.workflows.runtime.children import Children
from euryale.workflows.runtime.course import Course
from euryale.workflows.runtime.failure import Failure, describe_failure
from euryale.workflows.runtime.fanout import Each
from euryale.workflows.runtime.lanes import Items, Lane
from euryale.workflows.runtime.marks import Marks
from euryale.workflows.runtime.nesting import Nesting
from euryale.workflows.runtime.run import Run, Turn
from euryale.workflows.runtime.waits import Waits

_OPEN: Final = frozenset({StepState.PENDING, StepState.RUNNING, StepState.WAITING})
_LASTING: Final[frozenset[Kind]] = frozenset({"step", "child", "detach", "signal", "sleep", "each", "hook"})
"""What takes its time: its result is written before what follows begins."""


class Forward:
    """Drives one execution from where it stands to its end, or to its turn."""

    def __init__(self, run: Run, children: Children) -> None:
        self._run = run
        self._children = children
        self._course = Course(run)
        marks = Marks()
        self._waits = Waits(self._course, marks)
        self._attempts = Attempts(self._course, self._waits, marks)

    @property
    def released(self) -> Release | None:
        """Given when the execution was let go of, since it only waits."""
        return self._course.resting.released

    @property
    def turn(self) -> Turn | None:
        """Why it turned, once it has."""
        return self._course.turn

    async def go(self) -> Turn | None:
        """Return when everything is done (None), or when nothing runs any more after a turn.

        When it was let go of meanwhile, :attr:`released` is given, and None is returned too.

        Raises:
            StoreError: If something could not be written; the execution is left as the journal has it.
        """
        course, vertices = self._course, self._run.open_vertices()
        if self._run.row.epoch > 1 and self._run.row.slot is not Slot.WAIVED:
            # taken over: what may be done next may have been running
            vertices = self._catch_up(vertices)
            course.begun.update(dict.fromkeys(self._may_have_begun(vertices)))
        if course.turn is None and (earlier := self._earlier_failure(vertices)) is not None:
            course.turn_to(earlier)
        if course.turn is None:
            await course.lanes.run(vertices, self._visit, course.resting.look)
        if self.released is not None:
            return None
        if course.turn is not None:
            self._close_interrupted(course.turn)
        return course.turn

    def _catch_up(self, vertices: list[Vertex]) -> list[Vertex]:
        """Pass the choices and events again that the former owner may have passed: they ride with the next result."""
        caught, ahead = [], vertices[::-1]
        while ahead:
            vertex = ahead.pop()
            side = self._pass(vertex) if self._run.node(vertex.id).forward is StepState.PENDING else None
            if side is None:
                caught.append(vertex)
            else:
                ahead.extend(reversed(self._run.frontier.complete(vertex, side)))
        return caught

    def _pass(self, vertex: Vertex) -> int | None:
        """Return the side that is taken at a choice or an event; None if it is neither, or fails, as it will again."""
        try:
            match vertex.node:
                case ChoiceNode() as node:
                    return self._choose(node)
                case EmitNode() as node:
                    return self._emit(node)
        except Exception:  # noqa: BLE001 -- a predicate or a transform is the user's: nothing has begun behind it
            return None
        return None

    def _may_have_begun(self, vertices: list[Vertex]) -> Iterator[str]:
        for vertex in vertices:
            if vertex.kind in {"each", "hook"}:
                yield from Each(self._course).may_have_begun(vertex)
            elif vertex.kind in _LASTING:
                yield vertex.id

    def _earlier_failure(self, vertices: list[Vertex]) -> Turn | None:
        """Return the turn that was not written any more after a failure that was, beside another branch's result."""
        for vertex in vertices:
            record = self._run.node(vertex.id)
            if record.forward in {StepState.FAILED, StepState.TIMED_OUT} and record.error is not None:
                return Turn(Reason.ERROR, self._run.tools.codec.decode(record.error, Failure, "an error"))
        return None

    def let_go(self) -> None:
        """Let go of it now, if it only waits."""
        self._course.resting.look()

    def end(self, error: Exception) -> None:
        """Have :meth:`go` raise that, wherever it is; whatever runs is interrupted."""
        self._course.lanes.end(error)

    def request(self, reason: Reason, failure: Failure) -> bool:
        """Turn now, interrupting whatever runs; False, and nothing happens, if it has turned already."""
        return self._course.request(reason, failure)

    def take(self, message: Message) -> bool:
        """Hand over a completion or a signal; False if it comes too late to have an effect."""
        return not self._course.has_turned() and self._waits.take(message)

    def _close_interrupted(self, turn: Turn) -> None:
        """Say of everything that had begun and has no outcome that it may have run, so that it is undone."""
        why = "another step failed" if turn.reason is Reason.ERROR else f"the execution was ended: {turn.reason}"
        records = self._run.record.steps
        known = (node for node, each in records.items() if each.attempts or each.forward is StepState.WAITING)
        for node in dict.fromkeys([*self._course.begun, *known]):
            if self._run.node(node).forward in _OPEN:
                self._course.close_interrupted(node, why)

    async def _visit(self, lane: Lane) -> list[Vertex]:
        """Do what is to be done at the lane's vertex; return where it goes on."""
        vertex = lane.vertex
        run = self._run
        if self._course.turn is not None or vertex.kind == "end":
            return []
        if lane.fan is None and vertex.id in run.record.steps and (settled := run.side(vertex)) is not None:
            return run.frontier.complete(vertex, settled)  # adopted from another execution
        if vertex.kind in _LASTING:
            side, done = 0, await self._do(lane, vertex)
        else:
            side, done = self._pass_or_fail(lane, vertex.node)
        if lane.fan is not None:
            return await self._go_on_with(lane.fan, done=done)
        if not done:
            if self._course.has_turned():
                return []
            side = len(vertex.next) - 1  # it has failed, and is gone on without
        following = run.frontier.complete(vertex, side)
        if vertex.kind in _LASTING and not _is_end(following):
            # the last result shares its commit with the outcome; a choice or an event rides with the next result
            await self._course.flush()
        return following

    async def _go_on_with(self, items: Items, *, done: bool) -> list[Vertex]:
        if done:
            items.succeeded()
        elif self._course.has_turned():
            return []
        await self._course.flush()
        return items.following()

    def _do(self, lane: Lane, vertex: Vertex) -> Awaitable[bool]:
        """Do what takes its time; return whether the lane goes on."""
        match vertex.kind:
            case "step":
                return self._attempts.go(lane, vertex.node)
            case "signal":
                return self._waits.signal(lane, vertex.node)
            case "sleep":
                return self._waits.sleep(lane, vertex.node)
            case "child":
                return Nesting(self._course, self._children).go(lane, vertex.node)
            case "detach":
                return Nesting(self._course, self._children).detach(lane, vertex.node)
            case _:
                return Each(self._course).go(lane, vertex.node)

    def _pass_or_fail(self, lane: Lane, node: ChoiceNode | EmitNode) -> tuple[int, bool]:
        try:
            return (self._choose(node) if isinstance(node, ChoiceNode) else self._emit(node)), True
        except Exception as error:  # noqa: BLE001 -- a predicate or a transform is the user's
            return 0, self._course.fail(lane, EntryKind.STEP_FAILED, node.id, error)

    def _choose(self, node: ChoiceNode) -> int:
        taken = bool(self._run.evaluate(node.predicate))
        self._run.outputs[node.id] = taken
        self._run.note(EntryKind.CHOSEN, node.id, payload=self._run.tools.codec.encode(taken, "a choice"))
        return 0 if taken else 1

    def _emit(self, node: EmitNode) -> int:
        self._run.stage(node.id, node.event, self._run.evaluate(node.data))
        return 0


def _is_end(following: list[Vertex]) -> bool:
    return bool(following) and following[0].kind == "end"


def result_failure(error: Exception, run: Run) -> Turn:
    """Return the turn that follows when a workflow's result cannot be computed or written."""
    if not isinstance(error, PayloadError):
        computing = PermanentFailure(f"The result of {run.plan.name} cannot be computed: {error!r}")
        computing.__cause__ = error
        error = computing
    return Turn(Reason.ERROR, describe_failure(error, run.tools.codec))
