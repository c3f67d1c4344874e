"""The order of doing and of undoing, for any structure."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from euryale.workflows import step
from euryale.workflows.definition.expression import Computed
from euryale.workflows.definition.graph import Frontier, Graph, Unwinding
from euryale.workflows.definition.nodes import ChoiceNode, ParallelNode, StepNode


@step
async def leaf() -> None: ...


@dataclass(frozen=True)
class Shape:
    """What a block is made of: leaves, groups of blocks, choices between two."""

    parts: tuple[object, ...]


@dataclass(frozen=True)
class Group:
    branches: tuple[Shape, ...]


@dataclass(frozen=True)
class Choice:
    then: Shape
    otherwise: Shape


def blocks(inner):
    part = st.one_of(
        st.just("leaf"),
        st.builds(Group, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Choice, inner, inner),
    )
    return st.builds(Shape, st.lists(part, max_size=4).map(tuple))


shapes = st.recursive(st.builds(Shape, st.lists(st.just("leaf"), max_size=3).map(tuple)), blocks, max_leaves=8)


class Builder:
    """Makes a plan's body of a shape, and notes which leaves must come before which."""

    def __init__(self):
        self.count = 0
        self.sides = {}
        self.before = set()  # pairs (earlier, later)

    def fresh(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def block(self, shape, draw):
        """Return the nodes, and the leaves that are done when the drawn sides are taken."""
        nodes, done = [], []
        for part in shape.parts:
            node, inside = self.part(part, draw)
            self.before |= {(earlier, later) for earlier in done for later in inside}
            nodes.append(node)
            done += inside
        return tuple(nodes), done

    def part(self, part, draw):
        match part:
            case Group(branches):
                made = [self.block(branch, draw) for branch in branches]
                node = ParallelNode(self.fresh("p"), tuple(block for block, _ in made), "wait")
                return node, [leaf for _, done in made for leaf in done]
            case Choice(then, otherwise):
                node_id = self.fresh("c")
                left, right = self.block(then, draw), self.block(otherwise, draw)
                side = self.sides[node_id] = draw(st.integers(0, 1))
                node = ChoiceNode(node_id, Computed(bool, ()), left[0], right[0])
                return node, (left, right)[side][1]
            case _:
                node_id = self.fresh("s")
                return StepNode(node_id, leaf, ()), [node_id]


def build(shape, draw):
    builder = Builder()
    body, done = builder.block(shape, draw)
    builder.before = {(left, right) for left, right in builder.before if left in done and right in done}
    return Graph.of(body), builder, done


def follow(graph, builder, draw, stop_after=None):
    """Do vertices in a drawn order; return the frontier, the leaves done, and what is still open."""
    frontier, done = Frontier(graph), []
    ready = frontier.begin()
    while ready and (stop_after is None or len(done) < stop_after):
        vertex = ready.pop(draw(st.integers(0, len(ready) - 1)))
        if vertex.kind == "end":
            assert ready == []
            continue
        if vertex.kind == "step":
            done.append(vertex.id)
        ready += frontier.complete(vertex, builder.sides.get(vertex.id, 0))
    return frontier, done, ready


def in_order(sequence, before):
    place = {leaf: index for index, leaf in enumerate(sequence)}
    return all(place[left] < place[right] for left, right in before if left in place and right in place)


@given(shapes, st.data())
def test_everything_reachable_is_done_once_and_in_an_order_that_the_structure_allows(shape, data):
    graph, builder, wanted = build(shape, data.draw)
    frontier, done, _ = follow(graph, builder, data.draw)
    assert sorted(done) == sorted(wanted)
    assert in_order(done, builder.before)
    assert frontier.ended


@given(shapes, st.data())
def test_everything_reached_is_undone_once_and_in_reverse(shape, data):
    graph, builder, wanted = build(shape, data.draw)
    stop_after = data.draw(st.integers(0, len(wanted)))
    frontier, done, _ = follow(graph, builder, data.draw, stop_after)
    order = Unwinding(graph, frontier.reached, frontier.chosen)
    ready, undone = order.begin(), []
    while ready:
        vertex = ready.pop(data.draw(st.integers(0, len(ready) - 1)))
        undone.append(vertex.id)
        ready += order.complete(vertex)
    reached = [vertex.id for vertex in frontier.reached.values() if vertex.kind == "step"]
    assert sorted(undone) == sorted(reached)
    assert set(done) <= set(undone)
    assert in_order(undone, {(later, earlier) for earlier, later in builder.before})


@given(shapes, st.data())
def test_a_replay_leads_to_where_it_was(shape, data):
    graph, builder, wanted = build(shape, data.draw)
    stop_after = data.draw(st.integers(0, len(wanted)))
    frontier, done, ready = follow(graph, builder, data.draw, stop_after)
    settled = set(done) | {vertex.id for vertex in frontier.reached.values() if vertex.index in frontier.chosen}
    again = Frontier(graph)
    open_vertices = again.replay(lambda v: builder.sides.get(v.id, 0) if v.id in settled else None)
    assert {vertex.index for vertex in open_vertices if vertex.kind != "end"} == {
        vertex.index for vertex in ready if vertex.kind != "end"
    }
    assert again.reached.keys() == frontier.reached.keys()


def test_an_empty_plan_ends_at_once():
    frontier = Frontier(Graph.of(()))
    assert [vertex.kind for vertex in frontier.begin()] == ["end"]
    assert frontier.ended
