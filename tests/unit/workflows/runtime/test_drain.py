"""Draining: what runs comes to the end of its step, and somebody else goes on at once."""

import asyncio
import os
import signal

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    DefinitionError,
    Engine,
    EngineClosedError,
    PermanentFailure,
    Retry,
    Signal,
    Status,
    for_each,
    parallelize,
    sleep,
    step,
    wait_for,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually

ANSWER = Signal("answer", str)
LEASE = 3600.0


class Stage:
    """Steps that say that they run, and wait until they may end."""

    def __init__(self):
        self.runs: list[str] = []
        self.undone: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def open_all(self) -> None:
        for gate in self.gates.values():
            gate.set()

    async def run(self, name: str) -> None:
        self.runs.append(name)
        if name in self.gates:
            await self.gates[name].wait()

    def step(self, name: str, **options):
        async def work(value: str) -> str:
            await self.run(name)
            return f"{value}{name}"

        return step(name=name, **options)(work)

    def undoable(self, name: str):
        made = self.step(name)

        @made.compensate
        async def _(_: str | None) -> None:
            self.undone.append(name)
            await self.run(f"undo {name}")

        return made

    def failing(self, name: str):
        @step(name=name)
        async def fail(value: str) -> str:
            await self.run(name)
            raise PermanentFailure("no")

        return fail

    async def begun(self, *names: str) -> None:
        await eventually(lambda: set(names) <= set(self.runs))


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def store():
    return MemoryStore(shared=True)


def engine_of(store, *workflows, **options) -> Engine:
    return Engine(store, workflows=workflows, lease=LEASE, **options)


async def drained(engine) -> asyncio.Task:
    """Begin to drain, and let it take effect."""
    draining = asyncio.create_task(engine.drain(within=30))
    await eventually(engine._tools.draining.is_set)
    return draining


async def test_the_step_that_runs_comes_to_its_end_and_another_worker_goes_on(store, stage):
    a, b, c = (stage.step(name) for name in "abc")
    stage.gate("b")

    @workflow("flow")
    def flow(value: str) -> str:
        return c(b(a(value)))

    first = engine_of(store, flow)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("b")
    draining = await drained(first)
    assert not draining.done()
    async with engine_of(store, flow) as second:
        stage.open_all()
        assert await draining is True
        assert await second.handle("e").result() == "abc"
        assert (await store.load("e")).row.epoch == 2
    assert stage.runs == ["a", "b", "c"], "no step was run twice"


async def test_what_has_not_ended_in_time_is_interrupted_and_handed_over(store, stage):
    a = stage.step("a")
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return a(value)

    first = engine_of(store, flow)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("a")
    assert await first.drain(within=0.01) is False
    stage.open_all()
    async with engine_of(store, flow) as second:
        assert await second.handle("e").result() == "a"
    assert stage.runs == ["a", "a"]


async def test_branches_wait_for_each_other_between_steps(store, stage):
    a, b, after_a, after_b = (stage.step(name) for name in ("a", "b", "+a", "+b"))
    for name in "ab":
        stage.gate(name)

    @workflow("flow")
    def flow(value: str) -> str:
        left, _ = parallelize(lambda: after_a(a(value)), lambda: after_b(b(value)))
        return left

    first = engine_of(store, flow)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("a", "b")
    draining = await drained(first)
    stage.gate("a").set()
    await eventually(lambda: len(store._entries["e"]) == 1)
    stage.gate("b").set()
    assert await draining is True
    assert sorted(stage.runs) == ["a", "b"]
    async with engine_of(store, flow) as second:
        assert await second.handle("e").result() == "a+a"
    assert sorted(stage.runs) == ["+a", "+b", "a", "b"]


async def test_items_of_a_fan_out_are_done_once(store, stage):
    done: list[int] = []

    @step
    async def work(item: int) -> int:
        await stage.run("work")
        done.append(item)
        return item * 10

    @workflow("fan")
    def fan(items: list[int]) -> list[int]:
        return for_each(items, work, concurrency=2)

    stage.gate("work")
    first = engine_of(store, fan)
    await first.open()
    await first.start(fan, list(range(7)), id="e")
    await eventually(lambda: len(stage.runs) == 2)
    draining = await drained(first)
    stage.open_all()
    assert await draining is True
    assert sorted(done) == [0, 1], "no further item was begun"
    async with engine_of(store, fan) as second:
        assert await second.handle("e").result() == [item * 10 for item in range(7)]
    assert sorted(done) == list(range(7))


async def test_a_parent_and_its_child_are_let_go_of(store, stage):
    a, b, c = (stage.step(name) for name in "abc")
    stage.gate("a")

    @workflow("inner")
    def inner(value: str) -> str:
        return b(a(value))

    @workflow("outer")
    def outer(value: str) -> str:
        return c(inner(value))

    first = engine_of(store, outer)
    await first.open()
    await first.start(outer, "", id="e")
    await stage.begun("a")
    draining = await drained(first)
    stage.open_all()
    assert await draining is True
    assert not any(row.owner for row in store._rows.values())
    async with engine_of(store, outer) as second:
        assert await second.handle("e").result() == "abc"
    assert stage.runs == ["a", "b", "c"]


async def test_what_only_waits_is_let_go_of_at_once(store, stage):
    a = stage.step("a")

    @workflow("waits")
    def waits(value: str) -> str:
        return a(wait_for(ANSWER))

    @workflow("sleeps")
    def sleeps(value: str) -> str:
        sleep(0.2)
        return a(value)

    tries: list[str] = []

    @step(retry=Retry(max_attempts=2, initial=0.2, jitter=False))
    async def flaky(value: str) -> str:
        tries.append(value)
        if len(tries) == 1:
            raise RuntimeError("not yet")
        return value

    @workflow("again")
    def again(value: str) -> str:
        return flaky(value)

    first = engine_of(store, waits, sleeps, again, rest_after=3600)
    await first.open()
    for flow in (waits, sleeps, again):
        await first.start(flow, flow.name, id=flow.name)
    await eventually(lambda: all(row.status is Status.WAITING for row in store._rows.values()))
    assert await first.drain() is True
    async with engine_of(store, waits, sleeps, again) as second:
        await second.signal("waits", ANSWER, "yes")
        assert await second.handle("waits").result() == "yesa"
        assert await second.handle("sleeps").result() == "sleepsa"
        assert await second.handle("again").result() == "again"
    assert len(tries) == 2


async def test_undoing_goes_on_elsewhere_between_two_compensations(store, stage):
    a, b, fail = stage.undoable("a"), stage.undoable("b"), stage.failing("fail")

    @workflow("flow")
    def flow(value: str) -> str:
        return fail(b(a(value)))

    stage.gate("undo b")
    first = engine_of(store, flow)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("undo b")
    draining = await drained(first)
    stage.open_all()
    assert await draining is True
    assert stage.undone == ["b"]
    async with engine_of(store, flow) as second:
        assert await second.wait("e") is Status.REVERTED
    assert stage.undone == ["b", "a"]


async def test_the_undoing_of_a_child_goes_on_in_the_next_process(stage, tmp_path):
    """Nobody else goes on with it here, so it must not be waited for."""
    a, b, fail = stage.undoable("a"), stage.undoable("b"), stage.failing("fail")

    @workflow("inner")
    def inner(value: str) -> str:
        return b(a(value))

    @workflow("outer")
    def outer(value: str) -> str:
        return fail(inner(value))

    stage.gate("undo b")
    engine = engine_of(SQLiteStore(tmp_path / "s.db"), outer)
    await engine.open()
    await engine.start(outer, "", id="e")
    await stage.begun("undo b")
    draining = await drained(engine)
    stage.open_all()
    async with asyncio.timeout(10):
        assert await draining is True
    assert stage.undone == ["b"]
    async with engine:
        assert await engine.wait("e") is Status.REVERTED
    assert stage.undone == ["b", "a"]


async def test_a_turn_while_draining_is_written_and_undone_elsewhere(store, stage):
    """A branch fails beside one that waits between two steps."""
    a, after, fail = stage.undoable("a"), stage.step("after"), stage.failing("fail")

    @workflow("flow")
    def flow(value: str) -> str:
        left, _ = parallelize(lambda: after(a(value)), fail(value))
        return left

    for name in ("a", "fail"):
        stage.gate(name)
    first = engine_of(store, flow)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("a", "fail")
    draining = await drained(first)
    stage.gate("a").set()
    await eventually(lambda: len(store._entries["e"]) == 1)
    stage.gate("fail").set()
    assert await draining is True
    assert stage.undone == []
    async with engine_of(store, flow) as second:
        assert await second.wait("e") is Status.REVERTED
    assert (stage.undone, "after" in stage.runs) == (["a"], False)


async def test_nothing_new_is_taken_on(store, stage):
    a, b = stage.step("a"), stage.step("b")
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return a(value)

    @workflow("other")
    def other(value: str) -> str:
        return b(value)

    first = engine_of(store, flow, other)
    await first.open()
    await first.start(flow, "", id="e")
    await stage.begun("a")
    draining = await drained(first)
    late = await first.start(other, "", id="late")
    assert await late.status() is Status.PENDING
    stage.open_all()
    await draining
    assert stage.runs == ["a"]
    async with engine_of(store, flow, other) as second:
        assert await second.handle("late").result() == "b"


async def test_it_closes_and_may_be_opened_again(stage, tmp_path):
    a, b = stage.step("a"), stage.step("b")
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return b(a(value))

    engine = engine_of(SQLiteStore(tmp_path / "s.db"), flow)
    await engine.open()
    handle = await engine.start(flow, "", id="e")
    waiting = asyncio.create_task(handle.result())
    await stage.begun("a")
    draining = await drained(engine)
    stage.open_all()
    assert await draining is True
    with pytest.raises(EngineClosedError):
        await waiting
    with pytest.raises(EngineClosedError):
        await engine.drain()
    async with engine:
        assert await handle.result() == "ab"
    assert stage.runs == ["a", "b"]


async def test_its_limit_goes_by_the_clock_of_the_engine(store, stage):
    a, clock = stage.step("a"), ManualClock()
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return a(value)

    engine = engine_of(store, flow, clock=clock)
    await engine.open()
    await engine.start(flow, "", id="e")
    await stage.begun("a")
    draining = await drained(engine)
    clock.advance(30)
    assert await draining is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal(store, stage, number):
    a, b = stage.step("a"), stage.step("b")
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return b(a(value))

    ready = asyncio.Event()
    engine = engine_of(store, flow)
    serving = asyncio.create_task(engine.serve(on_ready=ready.set))
    await ready.wait()
    await engine.start(flow, "", id="e")
    await stage.begun("a")
    os.kill(os.getpid(), number)
    await eventually(engine._tools.draining.is_set)
    stage.open_all()
    assert await serving is True
    assert (stage.runs, (await store.load("e")).row.owner) == (["a"], "")


async def test_a_second_signal_ends_at_once(store, stage):
    a = stage.step("a")
    stage.gate("a")

    @workflow("flow")
    def flow(value: str) -> str:
        return a(value)

    ready = asyncio.Event()
    engine = engine_of(store, flow)
    serving = asyncio.create_task(engine.serve(drain_within=3600, on_ready=ready.set))
    await ready.wait()
    await engine.start(flow, "", id="e")
    await stage.begun("a")
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(engine._tools.draining.is_set)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving is False
    row = (await store.load("e")).row
    assert (row.owner, row.available_at) == ("", 0.0), "handed over"


@pytest.mark.parametrize("wrong", ["30", None, -1, True])
async def test_a_limit_that_is_no_duration_is_refused_before_anything_ends(store, wrong):
    flow = workflow("e")(lambda value: value)
    engine = Engine(store, workflows=[flow])
    with pytest.raises(DefinitionError, match=r"serve: drain_within=.*: give seconds from 0 up"):
        await engine.serve(drain_within=wrong, on_ready=pytest.fail)
    async with engine:
        with pytest.raises(DefinitionError, match=r"drain: within=.*: give seconds from 0 up"):
            await engine.drain(within=wrong)
        assert await engine.run(flow, "x") == "x"
