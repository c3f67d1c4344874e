"""Random plans and failures: the engine does what a model of a few dozen lines says."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from euryale.kit.clock import ManualClock, pause
from euryale.workflows import (
    Engine,
    PermanentFailure,
    ReleasedEvent,
    Retry,
    Status,
    Step,
    StepResponse,
    Workflow,
    emit,
    for_each,
    parallelize,
    sleep,
    step,
    step_context,
    transform,
    when,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import Effects, run_in_virtual_time

ALWAYS = 99
ATTEMPTS = 2
RETRY = Retry(max_attempts=ATTEMPTS, initial=1, jitter=False)
VERY_MANY, PARTS = 5_000, 20


@dataclass(frozen=True)
class Do:
    """A step that fails so often, and whose compensation does; what follows when it has failed for good."""

    fails: int
    undo_fails: int
    then: Literal["stop", "go on", "skip"]
    name: str = ""


@dataclass(frozen=True)
class Emit:
    name: str = ""


@dataclass(frozen=True)
class Sleep:
    seconds: int


@dataclass(frozen=True)
class Each:
    failing: tuple[bool, ...]
    tolerated: int
    name: str = ""


@dataclass(frozen=True)
class Choose:
    taken: bool
    then: "Block"
    otherwise: "Block"


@dataclass(frozen=True)
class Parallel:
    branches: "tuple[Block, ...]"


@dataclass(frozen=True)
class Child:
    body: "Block"
    name: str = ""


Node = Do | Emit | Sleep | Each | Choose | Parallel | Child
Block = tuple[Node, ...]


# --- the model


@dataclass(frozen=True)
class Way:
    """What comes of a block: whether it gets to its end, what begins for certain, and what may."""

    ok: bool = True
    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    partial: bool = False

    def then(self, other: "Way") -> "Way":
        must, may = self.must | other.must, self.may | other.may
        return Way(other.ok, must, may, self.events | other.events, self.partial or other.partial)


def model(block: Block) -> Way:
    way, skips_to = Way(), ""
    for node in block:
        if skips_to and getattr(node, "name", "") != skips_to:
            continue
        skips_to = ""
        way = way.then(one(node))
        if isinstance(node, Do) and node.fails >= ATTEMPTS and node.then == "skip" and target(block, node):
            way, skips_to = replace(way, ok=True, partial=True), target(block, node)
        if not way.ok:
            return way
    return way


def one(node: Node) -> Way:
    match node:
        case Do(fails, _, then, name):
            failed, begins = fails >= ATTEMPTS, frozenset({name})
            return Way(not failed or then == "go on", begins, begins, partial=failed and then == "go on")
        case Emit(name):
            return Way(events=frozenset({name}))
        case Each(failing, tolerated, name):
            items = frozenset(f"{name}.{index}" for index in range(len(failing)))
            ok = sum(failing) <= tolerated
            return Way(ok, items if ok else frozenset(), items, partial=any(failing))
        case Choose(taken, then, otherwise):
            return model(then if taken else otherwise)
        case Parallel(branches):
            ways = [model(branch) for branch in branches]
            failing = [way for way in ways if not way.ok]
            certain = ways if not failing else failing if len(failing) == 1 else []
            must = frozenset().union(*(way.must for way in certain))
            may = frozenset().union(*(way.may for way in ways))
            events = frozenset().union(*(way.events for way in ways))
            return Way(not failing, must, may, events, any(way.partial for way in ways))
        case Child(body):
            return replace(model(body), partial=False)
        case _:
            return Way()


def target(block: Block, node: Do) -> str:
    """Return the step that a failed one skips to: the last one behind it."""
    behind = [each.name for each in block[block.index(node) + 1 :] if isinstance(each, Do)]
    return behind[-1] if behind else ""


def in_sequence(block: Block) -> Iterator[tuple[str, str]]:
    """Yield what comes before what."""
    for index, node in enumerate(block):
        for inner in inside(node):
            yield from in_sequence(inner)
        yield from itertools.product(names((node,)), names(block[index + 1 :]))


def inside(node: Node) -> tuple[Block, ...]:
    match node:
        case Choose(_, then, otherwise):
            return then, otherwise
        case Parallel(branches):
            return branches
        case Child(body):
            return (body,)
        case _:
            return ()


def steps(block: Block) -> Iterator[Do]:
    for node in block:
        if isinstance(node, Do):
            yield node
        for inner in inside(node):
            yield from steps(inner)


def names(block: Block) -> list[str]:
    found = [node.name for node in block if isinstance(node, Do)]
    found += [f"{node.name}.{index}" for node in block if isinstance(node, Each) for index in range(len(node.failing))]
    return found + [name for node in block for inner in inside(node) for name in names(inner)]


# --- the engine


class World:
    def __init__(self) -> None:
        self.effects = Effects()
        self.events: list[str] = []

    def step(self, node: Do) -> Step[[int], int | None, str]:
        @step(name=node.name, retry=RETRY)
        async def work(value: int) -> StepResponse[int, str]:
            await self.effects.do(node.name)
            if step_context().attempt <= node.fails:
                raise RuntimeError(node.name)
            return StepResponse(value + 1, undo=node.name)

        @work.compensate(retry=RETRY)
        async def _(undo: str | None) -> None:
            assert undo in {None, node.name}
            if step_context().attempt <= node.undo_fails:
                raise RuntimeError(f"undoing {node.name}")
            await self.effects.undo(node.name)

        return work

    def item(self, node: Each) -> Step[[int], int, int]:
        @step(name=node.name)
        async def work(index: int) -> int:
            await self.effects.do(f"{node.name}.{index}")
            if node.failing[index]:
                raise PermanentFailure("this one does not")
            return index

        @work.compensate(retry=RETRY)
        async def _(_undo: int | None, *, index: int) -> None:
            await self.effects.undo(f"{node.name}.{index}")

        return work

    def compose(self, block: Block, value: Any) -> Any:
        for node in block:
            value = self.place(block, node, value)
        return value

    def place(self, block: Block, node: Node, value: Any) -> Any:
        match node:
            case Do():
                made = self.step(node)
                if node.then == "go on":
                    made = made.continue_on_failure()
                elif node.then == "skip" and target(block, node):
                    made = made.skip_to(target(block, node))
                made(transform(lambda value: value or 0, value))
            case Emit(name):
                emit(name, value)
            case Sleep(seconds):
                sleep(seconds)
            case Each(failing, tolerated):
                items = transform(lambda _, known=failing: list(range(len(known))), value)
                for_each(items, self.item(node), concurrency=2, tolerated_failures=tolerated)
            case Choose(taken):
                chosen = when(value, lambda _, taken=taken: taken)
                side = chosen.then(self.branch(node.then, value))
                return side.otherwise(self.branch(node.otherwise, value))
            case Parallel(branches):
                return parallelize(*(self.branch(branch, value) for branch in branches))[0]
            case Child(body, name):
                return self.workflow(name, body)(transform(lambda value: value or 0, value))
        return value

    def branch(self, block: Block, value: Any) -> Callable[[], Any]:
        return lambda: self.compose(block, value)

    def workflow(self, name: str, block: Block) -> Workflow[int, Any]:
        @workflow(name)
        def flow(value: int) -> Any:
            return self.compose(block, value)

        return flow

    async def deliver(self, event: ReleasedEvent) -> None:
        self.events.append(event.name)


async def run(world: World, block: Block, clock: ManualClock) -> tuple[Status, bool]:
    store = MemoryStore()
    flow = world.workflow("plan", block)
    async with Engine(store, workflows=[flow], deliver=world.deliver, clock=clock, rest_after=0) as engine:
        handle = await engine.start(flow, 1, id="e")
        status = await engine.wait("e")
        while await store.released(1):
            await pause(clock, 0.01)
        return status, (await handle.view()).partial


def check(block: Block) -> None:
    world, clock = World(), ManualClock()
    way = model(block)
    status, partial = run_in_virtual_time(run(world, block, clock), clock)
    done, undone = world.effects.done(), world.effects.undone()
    begun = set(done)
    assert way.must <= begun <= way.may
    if way.ok:
        assert (status, partial, undone) == (Status.SUCCEEDED, way.partial, ())
        assert sorted(world.events) == sorted(way.events)
    else:
        stuck = {node.name for node in steps(block) if node.undo_fails >= ATTEMPTS} & begun
        assert status is (Status.FAILED if stuck else Status.REVERTED)
        assert set(undone) == begun - stuck
        assert world.events == []
    assert len(undone) == len(set(undone)), "undone once"
    check_order(block, done, undone)


def check_order(block: Block, done: tuple[str, ...], undone: tuple[str, ...]) -> None:
    last = {name: at for at, name in enumerate(done)}
    first = {name: at for at, name in reversed(list(enumerate(done)))}
    back = {name: at for at, name in enumerate(undone)}
    for before, after in in_sequence(block):
        if before in first and after in first:
            assert last[before] < first[after]
        if before in back and after in back:
            assert back[after] < back[before]


# --- random plans

often = st.sampled_from((0, 0, 0, 1, ALWAYS))
dos = st.builds(Do, often, often, st.sampled_from(("stop", "stop", "go on", "skip")))
eaches = st.builds(Each, st.lists(st.booleans(), max_size=4).map(tuple), st.integers(0, 2))
leaves = st.one_of(dos, dos, dos, eaches, st.just(Emit()), st.builds(Sleep, st.integers(0, 3)))


def blocks(nodes: st.SearchStrategy[Node], least: int = 0) -> st.SearchStrategy[Block]:
    return st.lists(nodes, min_size=least, max_size=4).map(tuple)


def deeper(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    block = blocks(nodes, 1)
    return st.one_of(
        st.builds(Choose, st.booleans(), block, blocks(nodes)),
        st.builds(Parallel, st.lists(block, min_size=2, max_size=3).map(tuple)),
        st.builds(Child, block),
    )


def named(block: Block, numbers: Iterator[int]) -> Block:
    """Give everything a name of its own."""
    return tuple(name_one(node, numbers) for node in block)


def name_one(node: Node, numbers: Iterator[int]) -> Node:
    match node:
        case Do() | Emit() | Each():
            return replace(node, name=f"{type(node).__name__.lower()}{next(numbers)}")
        case Choose():
            return replace(node, then=named(node.then, numbers), otherwise=named(node.otherwise, numbers))
        case Parallel():
            return replace(node, branches=tuple(named(branch, numbers) for branch in node.branches))
        case Child():
            return replace(node, body=named(node.body, numbers), name=f"child{next(numbers)}")
        case _:
            return node


plans = blocks(st.recursive(leaves, deeper, max_leaves=12), 1).map(lambda block: named(block, itertools.count()))


@settings(derandomize=True, max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans)
def test_the_engine_does_what_the_model_says(block):
    check(block)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=VERY_MANY // PARTS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(block=plans)
def test_the_engine_does_what_the_model_says_of_very_many_plans(part, block):
    check(block)
