"""A plan's body as a flat graph, and the order in which it is done and undone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from euryale.workflows.definition.nodes import ChoiceNode, ParallelNode, StepNode

END: Final = 0
"""The index of the vertex behind the last node."""

Kind = Literal["end", "step", "child", "emit", "signal", "sleep", "each", "hook", "detach", "fork", "join", "choice"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """A place in the graph.

    Attributes:
        index: Its number.
        kind: What happens there.
        id: The id of the plan's node; empty at the end; a join has that of its fork.
        node: The plan's node, or None at the end and at a join.
        next: Where it goes on: at a fork to all of them, at a choice to the first (then) or the second (otherwise), at
            a step that skips to the first when it is done, to the second when it has failed.
        needs: How many must have arrived before it starts: more than 1 only at a join.
        groups: The forks that it is inside of, outermost first.
    """

    index: int
    kind: Kind
    id: str
    node: Any
    next: tuple[int, ...]
    needs: int
    groups: tuple[str, ...]

    @property
    def goes_on_after_failure(self) -> bool:
        """Whether the workflow goes on when the step here has failed for good."""
        options = self.node.step.options if self.kind == "step" else None
        return options is not None and bool(options.continue_on_failure or options.skip_to)


@dataclass(frozen=True, slots=True)
class Graph:
    """The flat form of a plan's body.

    Attributes:
        vertices: All places; ``END`` is the first.
        first: Where an execution begins.
    """

    vertices: tuple[Vertex, ...]
    first: int

    @classmethod
    def of(cls, body: tuple[Any, ...]) -> "Graph":
        """Lay out a plan's body."""
        layout = _Layout()
        first = layout.block(body, END, ())
        return cls(tuple(layout.vertices), first)

    def by_id(self) -> dict[str, Vertex]:
        """Return the vertices that stand for a node of the plan."""
        return {vertex.id: vertex for vertex in self.vertices if vertex.node is not None}


class _Layout:
    """Lays blocks from the last node to the first: what comes next is known when a vertex is made."""

    def __init__(self) -> None:
        self.vertices = [Vertex(END, "end", "", None, (), 1, ())]

    def block(self, block: tuple[Any, ...], exit_to: int, groups: tuple[str, ...]) -> int:
        entries: dict[str, int] = {}
        for node in reversed(block):
            exit_to = self._node(node, exit_to, groups, entries)
            entries[node.id] = exit_to
        return exit_to

    def _node(self, node: Any, exit_to: int, groups: tuple[str, ...], entries: Mapping[str, int]) -> int:
        match node:
            case StepNode() if node.step.options.skip_to:
                return self._add("step", node.id, node, (exit_to, entries[node.step.options.skip_to]), groups)
            case ParallelNode():
                inside = (*groups, node.id)
                join = self._add("join", node.id, None, (exit_to,), groups, needs=len(node.branches))
                heads = tuple(self.block(branch, join, inside) for branch in node.branches)
                return self._add("fork", node.id, node, heads, groups)
            case ChoiceNode():
                sides = (self.block(node.then, exit_to, groups), self.block(node.otherwise, exit_to, groups))
                return self._add("choice", node.id, node, sides, groups)
            case _:
                return self._add(node.kind, node.id, node, (exit_to,), groups)

    def _add(
        self,
        kind: Kind,
        node_id: str,
        node: Any,
        following: tuple[int, ...],
        groups: tuple[str, ...],
        needs: int = 1,
    ) -> int:
        index = len(self.vertices)
        self.vertices.append(Vertex(index, kind, node_id, node, following, needs, groups))
        return index


def following(graph: Graph, node: str) -> frozenset[str]:
    """Return the nodes that come behind one, itself included."""
    ahead, seen = (
        [vertex.index for vertex in graph.vertices if vertex.id == node and vertex.node is not None],
        set[int](),
    )
    while ahead:
        index = ahead.pop()
        if index not in seen:
            seen.add(index)
            ahead.extend(graph.vertices[index].next)
    return frozenset(graph.vertices[index].id for index in seen if graph.vertices[index].node is not None)


class Frontier:
    """Knows which vertices may start. Its cost for each vertex is constant, however long the execution is."""

    __slots__ = ("_arrived", "_graph", "chosen", "reached")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._arrived: dict[int, int] = {}
        self.chosen: dict[int, int] = {}
        self.reached: dict[int, Vertex] = {}

    @property
    def ended(self) -> bool:
        """Whether the end has been reached."""
        return END in self.reached

    def begin(self) -> list[Vertex]:
        """Return what starts first; nothing but the end for an empty plan."""
        ready: list[Vertex] = []
        self._arrive(self._graph.first, ready)
        return ready

    def complete(self, vertex: Vertex, side: int = 0) -> list[Vertex]:
        """Return what may start now that ``vertex`` is done.

        Args:
            vertex: What is done.
            side: At a choice, 0 for then, 1 for otherwise; at a step, 1 if it has failed and skips.
        """
        ready: list[Vertex] = []
        self.chosen[vertex.index] = side
        self._arrive(vertex.next[side], ready)
        return ready

    def _arrive(self, index: int, ready: list[Vertex]) -> None:
        """Note an arrival, passing through forks and joins, at which nothing happens."""
        vertex = self._graph.vertices[index]
        if vertex.needs > 1:
            arrived = self._arrived.get(index, 0) + 1
            self._arrived[index] = arrived
            if arrived < vertex.needs:
                return
        self.reached[index] = vertex
        if vertex.kind in {"fork", "join"}:
            for following in vertex.next:
                self._arrive(following, ready)
        else:
            ready.append(vertex)

    def replay(self, settled: Callable[[Vertex], int | None]) -> list[Vertex]:
        """Walk from the beginning over what is settled already, and return what is not.

        Args:
            settled: Gives the side taken at a vertex that is done (0 unless it is a choice), None if it is not done.
        """
        open_vertices: list[Vertex] = []
        ready = self.begin()
        while ready:
            vertex = ready.pop()
            side = None if vertex.kind == "end" else settled(vertex)
            if side is None:
                open_vertices.append(vertex)
            else:
                ready.extend(self.complete(vertex, side))
        open_vertices.reverse()
        return open_vertices


class Unwinding:
    """Gives the vertices in the order of undoing: each after everything that came behind it."""

    def __init__(self, graph: Graph, reached: Mapping[int, Vertex], chosen: Mapping[int, int]) -> None:
        self._before: dict[int, list[int]] = {index: [] for index in reached}
        self._waits = dict.fromkeys(reached, 0)
        self._vertices = graph.vertices
        for index, vertex in reached.items():
            for following in _followed(vertex, chosen):
                if following in reached:
                    self._before[following].append(index)
                    self._waits[index] += 1

    def begin(self) -> list[Vertex]:
        """Return what is undone first."""
        return self._expand([index for index, waits in self._waits.items() if not waits])

    def complete(self, vertex: Vertex) -> list[Vertex]:
        """Return what may be undone now that ``vertex`` is."""
        return self._expand(self._release(vertex.index))

    def _release(self, index: int) -> list[int]:
        released = []
        for before in self._before[index]:
            self._waits[before] -= 1
            if not self._waits[before]:
                released.append(before)
        return released

    def _expand(self, indexes: Collection[int]) -> list[Vertex]:
        """Pass through the vertices at which nothing is undone."""
        ready, pending = [], list(indexes)
        while pending:
            vertex = self._vertices[pending.pop()]
            if vertex.kind in {"step", "child", "each", "hook"}:
                ready.append(vertex)
            else:
                pending.extend(self._release(vertex.index))
        return ready


def _followed(vertex: Vertex, chosen: Mapping[int, int]) -> tuple[int, ...]:
    if vertex.kind in {"fork", "join", "end"}:
        return vertex.next
    return (vertex.next[chosen[vertex.index]],) if vertex.index in chosen else ()
