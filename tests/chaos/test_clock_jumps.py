"""The wall clock is set forth and back: timers keep to it, leases and time limits do not care."""

import asyncio
from datetime import timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, Retry, Signal, Status, sleep, step, wait_for, workflow
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import PassingTime

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
def clock():
    return ManualClock()


@step
async def name(value: str) -> str:
    return value


@workflow("sleepy")
def sleepy(value: str) -> str:
    sleep(timedelta(hours=2))
    return name(value)


async def ended(engine, clock, seconds: float = 0.0) -> bool:
    await PassingTime(engine, clock).advance(seconds)
    return (await engine.get("e")).status.ended


@pytest.mark.parametrize("rest_after", [1.0, DAY], ids=["let go of", "kept in memory"])
async def test_what_sleeps_goes_on_when_the_wall_clock_says_so(clock, rest_after):
    async with Engine(MemoryStore(), workflows=[sleepy], clock=clock, rest_after=rest_after) as engine:
        await engine.start(sleepy, "x", id="e")
        assert not await ended(engine, clock, HOUR)
        clock.set_wall_clock(-HOUR)
        assert not await ended(engine, clock, HOUR), "by the wall clock it is an hour too early"
        assert await ended(engine, clock, HOUR + 1)


async def test_what_sleeps_goes_on_at_once_when_the_wall_clock_is_set_past_its_end(clock):
    async with Engine(MemoryStore(), workflows=[sleepy], clock=clock) as engine:
        await engine.start(sleepy, "x", id="e")
        assert not await ended(engine, clock)
        clock.set_wall_clock(3 * HOUR)
        assert await ended(engine, clock)


async def test_what_sleeps_in_memory_goes_on_at_once_too(clock):
    async with Engine(MemoryStore(), workflows=[sleepy], clock=clock, rest_after=DAY) as engine:
        await engine.start(sleepy, "x", id="e")
        clock.set_wall_clock(-HOUR)
        assert not await ended(engine, clock, HOUR)
        clock.set_wall_clock(3 * HOUR)
        assert await ended(engine, clock)


async def test_who_waits_in_memory_for_a_signal_gives_up_when_the_wall_clock_says_so(clock):
    @workflow("asking")
    def asking(value: str) -> str:
        return wait_for(Signal("answer", str), timeout=2 * HOUR, default=value)

    async with Engine(MemoryStore(), workflows=[asking], clock=clock, rest_after=DAY) as engine:
        handle = await engine.start(asking, "none came", id="e")
        assert not await ended(engine, clock, HOUR)
        clock.set_wall_clock(-HOUR)
        assert not await ended(engine, clock, HOUR + 1), "by the wall clock it is an hour too early"
        clock.set_wall_clock(HOUR)
        assert await ended(engine, clock)
        assert await handle.result() == "none came"


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forth", "back"])
async def test_a_running_step_does_not_time_out_because_the_wall_clock_is_set(clock, jump):
    go = asyncio.Event()

    @step(timeout=60)
    async def work(value: str) -> str:
        await go.wait()
        return value

    @workflow("limited", timeout=600)
    def limited(value: str) -> str:
        return work(value)

    async with Engine(MemoryStore(), workflows=[limited], clock=clock) as engine:
        handle = await engine.start(limited, "x", id="e")
        assert not await ended(engine, clock, 1)
        clock.set_wall_clock(jump)
        assert not await ended(engine, clock, 50)
        go.set()
        assert await handle.result() == "x"


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forth", "back"])
async def test_leases_do_not_run_out_because_a_wall_clock_is_set(clock, jump):
    store, go = MemoryStore(shared=True, clock=clock), asyncio.Event()

    @step
    async def work(value: str) -> str:
        await go.wait()
        return value

    @workflow("held")
    def held(value: str) -> str:
        return work(value)

    async with (
        Engine(store, workflows=[held], clock=clock) as engine,
        Engine(store, workflows=[held], clock=clock) as other,
    ):
        await engine.start(held, "x", id="e")
        owner = (await store.load("e")).row.owner
        for _ in range(5):
            clock.set_wall_clock(jump)
            assert not await ended(other, clock, 10)
        assert ((await store.load("e")).row.owner, (await store.load("e")).row.epoch) == (owner, 1)
        go.set()
        assert await engine.wait("e") is Status.SUCCEEDED


async def test_a_retry_comes_when_the_wall_clock_says_so_and_only_once(clock):
    attempts = []

    @step(retry=Retry(max_attempts=2, initial=HOUR, max_interval=HOUR, jitter=False))
    async def flaky(value: str) -> str:
        attempts.append(clock.now())
        if len(attempts) == 1:
            raise RuntimeError("the first time")
        return value

    @workflow("retried")
    def retried(value: str) -> str:
        return flaky(value)

    async with Engine(MemoryStore(), workflows=[retried], clock=clock) as engine:
        await engine.start(retried, "x", id="e")
        assert not await ended(engine, clock, 60)
        for jump in (-HOUR / 2, HOUR / 2, -HOUR / 4):
            clock.set_wall_clock(jump)
            assert not await ended(engine, clock)
        assert await ended(engine, clock, HOUR * 1.25)
        assert len(attempts) == 2
        assert attempts[1] - attempts[0] == timedelta(hours=1)
