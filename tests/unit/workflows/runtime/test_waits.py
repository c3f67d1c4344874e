"""Signals and sleep: what an execution waits for, in no process's memory."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    CompositionError,
    Engine,
    ExecutionReverted,
    PayloadError,
    Signal,
    Status,
    UnknownExecutionError,
    UnknownSignalError,
    parallelize,
    sleep,
    step,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from eventually import eventually

DAY = 24 * 3600.0


@dataclass(frozen=True)
class Decision:
    by: str
    granted: bool


DECIDED = Signal("decided", Decision)


@step
async def record(decision: Decision) -> str:
    return f"{decision.by}: {decision.granted}"


@workflow("approve")
def approve(name: str) -> str:
    return record(wait_for(DECIDED))


@workflow("twice")
def twice(name: str) -> list[str]:
    first = record(wait_for(DECIDED))
    second = record(wait_for(DECIDED))
    return [first, second]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def engine(store, clock):
    async with Engine(store, clock=clock) as engine:
        yield engine


async def rested(engine: Engine, execution_id: str) -> None:
    await eventually(lambda: not engine._worker.drives(execution_id))


async def test_a_signal_is_taken_while_it_is_waited_for(engine):
    handle = await engine.start(approve, "x", id="e")
    await rested(engine, "e")
    assert await handle.signal(DECIDED, Decision("ann", granted=True))
    assert await handle.result() == "ann: True"


async def test_signals_that_come_before_are_kept_and_taken_in_order(engine):
    gate = asyncio.Event()

    @step
    async def wait(name: str) -> str:
        await gate.wait()
        return name

    @workflow("later")
    def later(name: str) -> list[str]:
        wait(name)
        return [record(wait_for(DECIDED)), record(wait_for(DECIDED))]

    handle = await engine.start(later, "x", id="e")
    for by in ("ann", "bob", "cleo"):
        assert await handle.signal(DECIDED, Decision(by, granted=True))
    gate.set()
    assert await handle.result() == ["ann: True", "bob: True"]
    assert not await handle.signal(DECIDED, Decision("late", granted=True))


async def test_a_key_makes_sending_it_again_safe(engine):
    handle = await engine.start(twice, "x", id="e")
    assert await handle.signal(DECIDED, Decision("ann", granted=True), key="1")
    assert not await handle.signal(DECIDED, Decision("ann", granted=True), key="1")
    assert await handle.signal(DECIDED, Decision("ann", granted=False), key="2")
    assert await handle.result() == ["ann: True", "ann: False"]


async def test_one_that_was_taken_is_not_taken_again_after_a_restart(store, clock):
    async with Engine(store, workflows=[twice], clock=clock) as engine:
        handle = await engine.start(twice, "x", id="e")
        await handle.signal(DECIDED, Decision("ann", granted=True))
        await eventually(lambda: [entry.message for entry in store._entries["e"]].count(1) == 1)
        await rested(engine, "e")
    async with Engine(store, workflows=[twice], clock=clock) as engine:
        assert await engine.signal("e", DECIDED, Decision("bob", granted=True))
        assert await engine.result("e") == ["ann: True", "bob: True"]


async def test_branches_that_wait_for_the_same_signal_take_one_each(engine):
    @workflow("both")
    def both(name: str) -> tuple[str, str]:
        return parallelize(lambda: record(wait_for(DECIDED)), lambda: record(wait_for(DECIDED)))

    handle = await engine.start(both, "x", id="e")
    await rested(engine, "e")
    await handle.signal(DECIDED, Decision("ann", granted=True))
    await rested(engine, "e")
    await handle.signal(DECIDED, Decision("bob", granted=True))
    assert sorted(await handle.result()) == ["ann: True", "bob: True"]


async def test_it_fails_when_the_signal_does_not_come_in_time(engine, clock):
    @workflow("in-time")
    def in_time(name: str) -> str:
        return record(wait_for(DECIDED, timeout=timedelta(days=2)))

    handle = await engine.start(in_time, "x", id="e")
    await rested(engine, "e")
    clock.advance(2 * DAY)
    with pytest.raises(ExecutionReverted, match="signal 'decided' did not come in time"):
        await handle.result()


async def test_or_goes_on_with_a_default(engine, clock):
    @workflow("defaulted")
    def defaulted(name: str) -> str:
        return record(wait_for(DECIDED, timeout=60, default=Decision("nobody", granted=False)))

    handle = await engine.start(defaulted, "x", id="e")
    await rested(engine, "e")
    clock.advance(61)
    assert await handle.result() == "nobody: False"


async def test_a_signal_of_another_type_is_refused_where_it_is_sent(engine):
    handle = await engine.start(approve, "x", id="e")
    with pytest.raises(PayloadError, match="what comes with decided"):
        await handle.signal(DECIDED, "yes")
    with pytest.raises(UnknownExecutionError):
        await engine.signal("nobody", DECIDED, Decision("ann", granted=True))
    assert await handle.cancel()
    assert await engine.wait("e") is Status.REVERTED


async def test_sleep_lasts_for_days_and_survives_a_restart(store, clock):
    @workflow("sleepy")
    def sleepy(seconds: float) -> str:
        sleep(timedelta(days=30))
        sleep(seconds)
        return record(Decision("sleeper", granted=True))

    async with Engine(store, workflows=[sleepy], clock=clock) as engine:
        await engine.start(sleepy, 5.0, id="e")
        await rested(engine, "e")
        clock.advance(29 * DAY)
    async with Engine(store, workflows=[sleepy], clock=clock) as engine:
        assert (await engine.get("e")).status is Status.WAITING
        clock.advance(DAY)
        await eventually(lambda: sum(entry.kind == "step.succeeded" for entry in store._entries["e"]) == 1)
        await rested(engine, "e")
        clock.advance(5)
        assert await engine.result("e") == "sleeper: True"


async def test_one_that_waits_shows_for_what_and_until_when(engine, clock):
    @workflow("shown")
    def shown(name: str) -> str:
        sleep(60)
        return record(wait_for(DECIDED))

    handle = await engine.start(shown, "x", id="e")
    await rested(engine, "e")
    view = await handle.view()
    assert [(each.id, each.kind, each.state) for each in view.steps] == [
        ("sleep", "sleep", "waiting"),
        ("signal:decided", "signal", "pending"),
        ("record", "step", "pending"),
    ]
    assert (view.steps[0].due - clock.now()).total_seconds() == 60
    assert await handle.cancel()
    await engine.wait("e")
    assert (await handle.view()).steps[0].state == "failed"


def test_they_belong_into_a_composer():
    with pytest.raises(CompositionError, match="sleep"):
        sleep(1)
    with pytest.raises(CompositionError, match="wait_for"):
        wait_for(DECIDED)


async def test_the_default_none_is_read_again_after_a_restart(clock):
    store = MemoryStore()

    @workflow("w")
    def flow(name: str) -> str:
        decision = wait_for(DECIDED, timeout=60, default=None)
        sleep(DAY)
        return transform(lambda decision: "nobody came" if decision is None else decision.by, decision)

    async with Engine(store, clock=clock) as engine:
        handle = await engine.start(flow, "x", id="e")
        await rested(engine, "e")
        clock.advance(60)
        await eventually(lambda: any(each.step == "sleep" for each in store._entries["e"]))
        await rested(engine, "e")
    async with Engine(store, workflows=[flow], clock=clock) as engine:
        clock.advance(DAY)
        assert await engine.result(handle.id) == "nobody came"


async def test_a_default_that_is_no_answer_fails_the_wait(clock):
    @workflow("w")
    def flow(name: str) -> str:
        return record(wait_for(DECIDED, timeout=60, default="nobody"))

    async with Engine(MemoryStore(), clock=clock) as engine:
        handle = await engine.start(flow, "x", id="e")
        await rested(engine, "e")
        clock.advance(60)
        with pytest.raises(ExecutionReverted, match="would not be readable"):
            await handle.result()


async def test_a_signal_that_it_never_waits_for_is_refused(store):
    @step
    async def note(value: str) -> str:
        return value

    @workflow("inner")
    def inner() -> str:
        return wait_for(Signal("inside", str))

    @workflow("outer")
    def outer() -> str:
        told = wait_for(Signal("go", str))
        when(told, bool).then(lambda: wait_for(Signal("more", str)))
        return inner()

    @workflow("quiet")
    def quiet() -> str:
        return note("x")

    async with Engine(store, workflows=[outer, quiet]) as engine:
        await engine.start(outer, id="o")
        with pytest.raises(UnknownSignalError, match=r"never waits for a signal 'og'\. It waits for go, more; a child"):
            await engine.signal("o", Signal("og", str), "x")
        with pytest.raises(UnknownSignalError, match="'inside'"):
            await engine.signal("o", Signal("inside", str), "x")
        await engine.run(quiet, id="q")
        with pytest.raises(UnknownSignalError, match="It waits for none"):
            await engine.signal("q", Signal("go", str), "x")
        assert await engine.signal("o", Signal("go", str), "x")
    async with Engine(store, concurrency=0) as elsewhere:
        assert await elsewhere.signal("o", Signal("any", str), "x"), "the plan is known there"
