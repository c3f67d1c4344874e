"""Items of a ``for_each`` and handlers of a hook, forward and backward: lanes of their own, so many at a time."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from euryale.workflows.definition.fanout import item_node, items_problem
from euryale.workflows.definition.graph import Vertex
from euryale.workflows.definition.hook import handler_node
from euryale.workflows.definition.nodes import ChildNode, EachNode, HookNode, StepNode, Tolerance
from euryale.workflows.errors import PermanentFailure, UnknownWorkflowError
from euryale.workflows.record.states import EntryKind, StepState
from euryale.workflows.runtime.course import Course
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.run import Run


@dataclass(frozen=True, slots=True)
class Group:
    """What is done at one vertex for several items, or by several handlers.

    Attributes:
        vertices: One for each, in order.
        concurrency: How many are under way at a time.
        tolerance: How many may fail.
        parts: What tells them apart, as the journal keeps it: the number of items, or the names of handlers.
    """

    vertices: list[Vertex]
    concurrency: int
    tolerance: Tolerance
    parts: int | list[str]

    def output(self, outputs: Mapping[str, Any]) -> Any:
        """Return what comes of it, given the outputs of all nodes."""
        values = [outputs.get(each.id) for each in self.vertices]
        return values if isinstance(self.parts, int) else dict(zip(self.parts, values, strict=True))


def group_at(run: Run, vertex: Vertex) -> Group:
    """Return what is done at a ``for_each`` or a hook.

    Raises:
        UnknownWorkflowError: If a handler that had begun is not attached any more.
        Exception: If the items cannot be computed, or are none.
    """
    if isinstance(vertex.node, EachNode):
        return _items(run, vertex, vertex.node)
    node: HookNode = vertex.node
    handlers = {handler.name: handler for handler in node.hook.handlers}
    begun = [name.removesuffix("]").rpartition("[")[2] for name in run.record.steps if name.startswith(f"{node.id}[")]
    if missing := [name for name in begun if name not in handlers]:
        raise UnknownWorkflowError(
            f"Hook {node.hook.name!r} has no handler {', '.join(missing)} any more.", hint="Attach it again."
        )
    vertices = [_vertex(vertex, handler_node(node, handler)) for handler in handlers.values()]
    return Group(vertices, 1, Tolerance(), list(handlers))


def _items(run: Run, vertex: Vertex, node: EachNode) -> Group:
    items = run.evaluate(node.items)
    if problem := items_problem(items):
        raise PermanentFailure(problem[0], hint=problem[1])
    vertices = [_vertex(vertex, item_node(node, index, item)) for index, item in enumerate(items)]
    return Group(vertices, node.concurrency, node.tolerance, len(items))


def _vertex(outer: Vertex, node: StepNode | ChildNode) -> Vertex:
    return Vertex(-1, "step" if isinstance(node, StepNode) else "child", node.id, node, (), 1, outer.groups)


class Tally(Protocol):
    """Counts what becomes of items."""

    @property
    def goes_on(self) -> bool:
        """Whether a further item is begun."""
        ...

    def succeeded(self) -> None:
        """Count a success."""
        ...

    def tolerates(self) -> bool:
        """Count a failure; return whether it may be."""
        ...


class Fan:
    """Items, of which so many are under way at a time: each lane goes on with the next one."""

    def __init__(self, lane: Lane, lanes: Lanes, vertices: Iterable[Vertex], tally: Tally) -> None:
        self._lane = lane
        self._lanes = lanes
        self._vertices = iter(vertices)
        self._under_way = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self.succeeded = tally.succeeded
        self.tolerates = tally.tolerates

    async def run(self, concurrency: int) -> None:
        """Return when all items are done, or no further one is begun and none is under way."""
        for _ in range(concurrency):
            vertex = self._next()
            if vertex is None:
                break
            self._under_way += 1
            self._lanes.spawn(vertex, self)
        if self._under_way:
            self._lane.rest(None)
            await self._over

    def _next(self) -> Vertex | None:
        return next(self._vertices, None) if self._tally.goes_on else None

    def following(self) -> list[Vertex]:
        """Return where a lane goes on whose item is done; nowhere ends it."""
        vertex = self._next()
        if vertex is not None:
            return [vertex]
        self._under_way -= 1
        if not self._under_way and not self._over.done():
            self._lane.awake()
            self._over.set_result(None)
        return []


class Each:
    """Does a step or a workflow for each item, or calls each handler of a hook."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._run = course.run

    async def go(self, lane: Lane, _: EachNode | HookNode) -> bool:
        """Do all of them; return whether the lane goes on.

        Raises:
            UnknownWorkflowError: If a handler that had begun is not attached any more.
        """
        run, vertex = self._run, lane.vertex
        try:
            group = group_at(run, vertex)
        except UnknownWorkflowError:
            raise
        except Exception as error:  # noqa: BLE001 -- a transform of the user's
            return self._course.fail(lane, EntryKind.STEP_FAILED, vertex.id, error)
        tally = _ForwardTally(self._course, group)
        pending = [each for each in group.vertices if not _has_ended(run, each)]
        await Fan(lane, self._course.lanes, pending, tally).run(group.concurrency)
        if self._course.has_turned():
            return False
        if not tally.suffices:
            return self._course.fail(lane, EntryKind.STEP_FAILED, vertex.id, tally.error())
        self._close_unfinished(group)
        run.outputs[vertex.id] = group.output(run.outputs)
        parts = run.tools.codec.encode(group.parts, f"the parts of {vertex.id}")
        run.note(EntryKind.STEP_SUCCEEDED, vertex.id, payload=parts)
        return True

    def _close_unfinished(self, group: Group) -> None:
        """Say of items that a former owner may have begun, and that are not needed any more, that they may have run."""
        for each in group.vertices:
            if each.id in self._course.begun and not _has_ended(self._run, each):
                self._course.close_interrupted(each.id, "enough others had succeeded")

    def may_have_begun(self, vertex: Vertex) -> list[str]:
        """Return the items that may have been under way when the execution was taken over."""
        try:
            group = group_at(self._run, vertex)
        except UnknownWorkflowError:
            raise
        except Exception:  # noqa: BLE001 -- then none was begun
            return []
        pending = [each.id for each in group.vertices if not _has_ended(self._run, each)]
        return pending[: group.concurrency]


def _has_ended(run: Run, vertex: Vertex) -> bool:
    state = run.node(vertex.id).forward
    return state.is_failure or state is StepState.SUCCEEDED


class _ForwardTally:
    def __init__(self, course: Course, group: Group) -> None:
        states = [course.run.node(each.id).forward for each in group.vertices]
        self._course = course
        self._tolerance = group.tolerance
        self._total = len(states)
        self._done = sum(state is StepState.SUCCEEDED for state in states)
        self._failed = sum(
            state.is_failure and not each.goes_on_after_failure
            for state, each in zip(states, group.vertices, strict=True)
        )

    @property
    def goes_on(self) -> bool:
        """Whether a further item is begun."""
        least = self._tolerance.min_successful
        return not self._course.has_turned() and (least is None or self._done < least)

    def succeeded(self) -> None:
        """Count a success."""
        self._done += 1

    def tolerates(self) -> bool:
        """Count a failure; return whether it may be."""
        self._failed += 1
        return self._tolerance.allows(failed=self._failed, total=self._total)

    @property
    def suffices(self) -> bool:
        """Whether enough have succeeded, and not too many have failed."""
        least = self._tolerance.min_successful
        enough = least is None or self._done >= least
        return enough and self._tolerance.allows(failed=self._failed, total=self._total)

    def error(self) -> Exception:
        """Return why it failed."""
        return PermanentFailure(f"{self._failed} of {self._total} items failed, {self._done} succeeded.")


class Unchecked:
    """A tally that lets every item be done, whatever becomes of the others."""

    goes_on = True

    def succeeded(self) -> None:
        """Nothing is counted."""

    def tolerates(self) -> bool:
        """Return that it may be."""
        return True
