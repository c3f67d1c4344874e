"""The same for each of many items."""

import asyncio

import pytest

from euryale.workflows import (
    CompositionError,
    Engine,
    ExecutionReverted,
    Retry,
    Status,
    for_each,
    parallelize,
    step,
    step_context,
    transform,
    workflow,
)
from euryale.workflows.testing import FaultSwitch
from eventually import eventually


class World:
    """A step that keeps count, fails on demand, and can be undone."""

    def __init__(self):
        self.done, self.undone, self.under_way, self.most = [], [], 0, 0
        self.faults = FaultSwitch()
        self.gate = asyncio.Event()
        self.held = frozenset()

        @step
        async def work(number: int) -> int:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                if number in self.held:
                    await self.gate.wait()
                await self.others()
                self.faults.check(str(number))
                self.done.append(number)
                return number * 10
            finally:
                self.under_way -= 1

        @work.compensate(retry=Retry(max_attempts=1))
        async def _(undo: int | None, number: int) -> None:
            assert undo in {None, number * 10}
            self.undone.append(number)

        @step
        async def fail(value: object) -> str:
            raise RuntimeError("for good")

        self.work, self.fail = work, fail

    @staticmethod
    async def others() -> None:
        """Let those go ahead that could."""
        turn = asyncio.Event()
        asyncio.get_running_loop().call_soon(turn.set)
        await turn.wait()


@pytest.fixture
def world():
    return World()


def each(world, **options):
    @workflow("each")
    def flow(numbers: list[int]) -> list[int | None]:
        return for_each(numbers, world.work, **options)

    return flow


async def test_results_are_in_the_order_of_the_items_and_so_many_are_under_way(engine, world):
    assert await engine.run(each(world, concurrency=3), list(range(20))) == [number * 10 for number in range(20)]
    assert world.most == 3


async def test_there_may_be_no_items_or_thousands(engine, world):
    assert await engine.run(each(world), []) == []
    assert await engine.run(each(world, concurrency=100), list(range(3000))) == [number * 10 for number in range(3000)]


async def test_a_failure_stops_further_items_and_undoes_those_that_were(engine, world):
    world.faults.fail("2", times=-1)
    with pytest.raises(ExecutionReverted, match="2 fails on demand"):
        await engine.run(each(world, concurrency=1), list(range(9)), id="e")
    assert world.done == [0, 1]
    assert world.undone == [2, 1, 0]


async def test_what_follows_can_undo_all_items(engine, world):
    @workflow("w")
    def flow(numbers: list[int]) -> str:
        return world.fail(for_each(numbers, world.work, concurrency=4))

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, list(range(9)))
    assert sorted(world.undone) == list(range(9))


@pytest.mark.parametrize(
    ("options", "failing", "wanted"),
    [
        ({"tolerated_failures": 2}, 2, [None, None, 20, 30]),
        ({"tolerated_failures": 1}, 2, None),
        ({"tolerated_failures": 0.5}, 2, [None, None, 20, 30]),
        ({"tolerated_failures": 0.4}, 2, None),
        ({"min_successful": 2}, 2, [None, None, 20, 30]),
        ({"min_successful": 2}, 0, [0, 10, None, None]),
        ({"min_successful": 3}, 2, None),
        ({"min_successful": 5}, 0, None),
        ({"min_successful": 1, "tolerated_failures": 1}, 2, None),
        ({"tolerated_failures": 0}, 1, None),
        ({"tolerated_failures": 4}, 4, [None, None, None, None]),
    ],
)
async def test_some_may_fail(engine, world, options, failing, wanted):
    for number in range(failing):
        world.faults.fail(str(number), times=-1)
    flow = each(world, concurrency=1, **options)
    handle = await engine.start(flow, list(range(4)), id="e")
    if wanted is None:
        assert await engine.wait("e") is Status.REVERTED
        assert not set(world.done) - set(world.undone)
    else:
        assert await handle.result() == wanted
        assert (await handle.view()).partial == (failing > 0)


async def test_items_are_retried_one_by_one(engine, world):
    world.faults.fail("1", times=2)

    @workflow("w")
    def flow(numbers: list[int]) -> list[int]:
        return for_each(numbers, world.work.named("again", retry=Retry(max_attempts=3, initial=0)))

    assert await engine.run(flow, [0, 1, 2]) == [0, 10, 20]


async def test_those_that_are_done_are_not_done_again_after_a_restart(store, world):
    flow = each(world, concurrency=2)
    world.held = {3, 4}
    async with Engine(store, workflows=[flow]) as engine:
        await engine.start(flow, list(range(6)), id="e")
        await eventually(lambda: len(store._entries["e"]) == 3 and world.under_way == 2)
    before = [entry.step for entry in store._entries["e"]]
    world.gate.set()
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.result("e") == [number * 10 for number in range(6)]
    steps = [entry.step for entry in store._entries["e"] if entry.step]
    assert steps[: len(before)] == before
    assert sorted(steps) == sorted([f"each:work[{index}]" for index in range(6)] + ["each:work"])


async def test_one_that_is_cancelled_after_a_restart_undoes_what_may_have_run(store, world):
    flow = each(world, concurrency=2)
    async with Engine(store, workflows=[flow]) as engine:
        world.held = set(range(6))
        await engine.start(flow, list(range(6)), id="e")
        await eventually(lambda: world.under_way == 2)
    async with Engine(store) as engine:
        assert await engine.cancel("e")
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.wait("e") is Status.REVERTED
    assert sorted(world.undone) == [0, 1]


async def test_each_item_can_be_a_workflow(engine, world):
    @workflow("one")
    def one(number: int) -> int:
        return world.work(number)

    @workflow("all")
    def flow(numbers: list[int]) -> list[int]:
        return for_each(numbers, one, concurrency=2)

    assert await engine.run(flow, [1, 2, 3], id="e") == [10, 20, 30]
    assert {view.id for view in await engine.list()} == {"e", *(f"e::each:one[{index}]" for index in range(3))}

    @workflow("undone")
    def undone(numbers: list[int]) -> str:
        return world.fail(for_each(numbers, one))

    with pytest.raises(ExecutionReverted):
        await engine.run(undone, [1, 2, 3], id="u")
    assert sorted(world.undone) == [1, 2, 3]


async def test_two_of_them_run_side_by_side(engine, world):
    @workflow("both")
    def both(numbers: list[int]) -> tuple[list[int], list[int]]:
        return parallelize(
            for_each(numbers, world.work), lambda: for_each(transform(lambda all_: all_[:1], numbers), world.work)
        )

    assert await engine.run(both, [1, 2]) == ([10, 20], [10])


async def test_items_that_are_no_list_fail_it(engine, world):
    @workflow("w")
    def flow(text: str) -> list[int]:
        return for_each(text, world.work)

    with pytest.raises(ExecutionReverted, match="for_each got str for its items"):
        await engine.run(flow, "abc")


async def test_every_item_is_seen(engine, world):
    handle = await engine.start(each(world), [1, 2], id="e")
    await handle.result()
    view = await handle.view()
    assert [(each.id, each.kind, each.state) for each in view.steps] == [
        ("each:work", "each", "succeeded"),
        ("each:work[0]", "step", "succeeded"),
        ("each:work[1]", "step", "succeeded"),
    ]


async def test_a_key_is_the_items_own(engine):
    keys = []

    @step
    async def work(number: int) -> int:
        keys.append(step_context().idempotency_key)
        return number

    @workflow("w")
    def flow(numbers: list[int]) -> list[int]:
        return for_each(numbers, work)

    await engine.run(flow, [1, 2], id="e")
    assert sorted(keys) == ["e/each:work[0]", "e/each:work[1]"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "at least 1"),
        ({"min_successful": -1}, "min_successful=-1"),
        ({"tolerated_failures": 1.5}, r"tolerated_failures=1\.5"),
        ({"tolerated_failures": -1}, "tolerated_failures=-1"),
    ],
)
def test_numbers_that_cannot_be_are_refused(world, options, message):
    with pytest.raises(CompositionError, match=message):
        each(world, **options)


def test_a_step_of_two_parameters_is_refused():
    @step
    async def two(a: int, b: int) -> int:
        return a + b

    with pytest.raises(CompositionError, match="a step with one parameter"):

        @workflow("w")
        def flow(numbers: list[int]) -> list[int]:
            return for_each(numbers, two)
