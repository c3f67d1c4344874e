"""Events of the application (the outbox), and live events of an execution."""

import asyncio
import random

import pytest

from euryale.workflows import (
    Engine,
    EngineClosedError,
    ExecutionReverted,
    Status,
    UnknownExecutionError,
    UnknownWorkflowError,
    emit,
    parallelize,
    step,
    workflow,
)
from euryale.workflows.testing import FaultSwitch


class Post:
    """Who events are delivered to."""

    def __init__(self):
        self.delivered = asyncio.Queue()
        self.faults = FaultSwitch()

    async def deliver(self, event):
        self.faults.check("deliver")
        self.delivered.put_nowait(event)

    async def take(self, count):
        async with asyncio.timeout(5):
            return [await self.delivered.get() for _ in range(count)]

    def nothing_more(self):
        return self.delivered.empty()


class Shop:
    def __init__(self):
        self.faults = faults = FaultSwitch()

        @step
        async def work(name: str) -> str:
            faults.check(name)
            return name

        @workflow("pack")
        def pack(order: str) -> str:
            emit("packed", {"order": order})
            return work.named("packing")(order)

        @workflow("order")
        def order(name: str) -> str:
            emit("placed", name)
            packed = pack(work(name))
            emit("placed", [packed])
            work.named("last")("last")
            return packed

        self.order, self.pack = order, pack


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def shop():
    return Shop()


async def test_events_are_released_in_order_with_the_success_of_the_outermost(store, post, shop):
    async with Engine(store, deliver=post.deliver) as engine:
        await engine.run(shop.order, "tea", id="e")
        events = await post.take(3)
        assert [(each.name, each.data, each.execution_id) for each in events] == [
            ("placed", "tea", "e"),
            ("packed", {"order": "tea"}, "e::pack"),
            ("placed", ["tea"], "e"),
        ]
        assert len({each.id for each in events}) == 3
    assert await store.released(10) == ()


async def test_a_child_alone_is_its_own_outermost(store, post, shop):
    async with Engine(store, deliver=post.deliver) as engine:
        await engine.run(shop.pack, "tea", id="e")
        assert [each.name for each in await post.take(1)] == ["packed"]


@pytest.mark.parametrize("place", ["tea", "last"])
async def test_events_are_dropped_when_it_is_undone(store, post, shop, place):
    shop.faults.fail(place)
    async with Engine(store, deliver=post.deliver) as engine:
        with pytest.raises(ExecutionReverted):
            await engine.run(shop.order, "tea", id="e")
        await engine.run(shop.pack, "coffee", id="other")
        assert [each.execution_id for each in await post.take(1)] == ["other"]
        assert post.nothing_more()
    assert store._outbox.staged == {}


async def test_a_delivery_that_fails_is_repeated_in_order(store, post, shop):
    post.faults.fail("deliver", times=2)
    async with Engine(store, deliver=post.deliver) as engine:
        await engine.run(shop.order, "tea", id="e")
        assert [each.name for each in await post.take(3)] == ["placed", "packed", "placed"]


async def test_what_was_released_and_not_delivered_is_delivered_after_a_restart(store, post, shop):
    async with Engine(store) as engine:
        await engine.run(shop.order, "tea", id="e")
    async with Engine(store, deliver=post.deliver):
        assert [each.name for each in await post.take(3)] == ["placed", "packed", "placed"]
    async with Engine(store, deliver=post.deliver) as engine:
        await engine.run(shop.pack, "coffee", id="marker")
        assert [each.execution_id for each in await post.take(1)] == ["marker"]


# --- live events -----------------------------------------------------------------------------------------------------


async def collect(engine, execution_id):
    return [event async for event in engine.events(execution_id)]


async def test_the_whole_story_is_told_afterwards_as_it_was_live(engine, shop):
    handle = await engine.start(shop.order, "tea", id="e")
    live = await collect(engine, "e")
    await handle.result()
    told = await collect(engine, "e")
    assert [event for event in live if event.seq] == told
    assert [(event.name, event.step) for event in told] == [
        ("event.staged", "emit:placed"),
        ("step.succeeded", "work"),
        ("step.waiting", "pack"),
        ("step.succeeded", "pack"),
        ("event.staged", "emit:placed#2"),
        ("step.succeeded", "last"),
        ("execution.finished", ""),
    ]
    assert told[-1].status is Status.SUCCEEDED
    assert [event.step for event in live if event.name == "step.started"] == ["work", "pack", "last"]


class Yielding:
    """A store around whose writes watchers come, and that gives way to others before and after each call."""

    def __init__(self, store, draw):
        self._store, self._draw = store, draw
        self.come = lambda: None

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def _give_way(self):
        for _ in range(self._draw.randrange(4)):
            await asyncio.get_running_loop().run_in_executor(None, int)

    def write_at_once(self, _):
        return None

    async def write(self, commits):
        self.come()
        await self._give_way()
        refused = await self._store.write(commits)
        self.come()
        await self._give_way()
        return refused

    async def load(self, execution_id, *, after=0):
        await self._give_way()
        journal = await self._store.load(execution_id, after=after)
        await self._give_way()
        return journal


@pytest.mark.parametrize("seed", range(8))
async def test_whoever_watches_from_any_moment_on_misses_nothing_and_sees_nothing_twice(store, seed):
    draw = random.Random(seed)
    faults = FaultSwitch()
    faults.fail("last", times=seed % 2)

    @step
    async def work(name: str) -> str:
        await asyncio.get_running_loop().run_in_executor(None, int)
        faults.check(name)
        return name

    @work.compensate
    async def _(undo: str | None) -> None: ...

    @workflow("w")
    def flow(name: str) -> str:
        for _ in range(3):
            name, _unused = parallelize(work(name), work(name))
        return work.named("last")(name) if seed % 2 == 0 else work.named("last")("last")

    yielding = Yielding(store, draw)
    async with Engine(yielding) as engine:
        handle = await engine.start(flow, "x", id="e")
        watchers = []
        yielding.come = lambda: watchers.append(asyncio.create_task(collect(engine, "e")))
        assert await engine.wait("e") is (await handle.status())
        watchers.append(asyncio.create_task(collect(engine, "e")))
        story = list(range(1, len((await store.load("e")).entries) + 1))
        assert len(watchers) > 5
        for watcher in watchers:
            assert [event.seq for event in await watcher if event.seq] == story


async def test_to_watch_what_is_unknown_is_an_error(engine):
    with pytest.raises(UnknownExecutionError):
        await collect(engine, "nobody")


async def hang_and_watch(engine):
    runs = asyncio.Event()

    @step
    async def hang() -> None:
        runs.set()
        await asyncio.Event().wait()

    @workflow("w")
    def flow() -> None:
        hang()

    await engine.start(flow, None, id="e")
    watcher = asyncio.create_task(collect(engine, "e"))
    await runs.wait()
    return watcher


async def test_a_watcher_is_told_when_the_engine_is_closed(engine):
    watcher = await hang_and_watch(engine)
    await engine.get("e")
    await engine.close()
    with pytest.raises(EngineClosedError):
        await watcher


async def test_a_watcher_of_a_stranded_execution_does_not_wait_for_ever(store, engine):
    watcher = await hang_and_watch(engine)
    await engine.get("e")
    await engine.close()
    with pytest.raises(EngineClosedError):
        await watcher
    async with Engine(store) as other:
        with pytest.raises(UnknownWorkflowError, match="e is stranded: no plan"):
            await collect(other, "e")
