"""Days that pass in milliseconds."""

from datetime import timedelta
from itertools import pairwise

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, Retry, Status, for_each, sleep, step, transform, workflow
from euryale.workflows.testing import PassingTime


@pytest.fixture
def clock():
    return ManualClock()


async def test_a_month_of_reminders(store, clock):
    sent = []

    @step
    async def remind(day: int) -> int:
        sent.append((day, clock.now().day))
        return day

    @workflow("remind-once")
    def remind_once(day: int) -> int:
        sleep(transform(lambda day: day * 86400.0, day))
        return remind(day)

    @workflow("remind")
    def flow(days: list[int]) -> list[int]:
        return for_each(days, remind_once, concurrency=100)

    async with Engine(store, workflows=[flow], clock=clock) as engine:
        handle = await engine.start(flow, list(range(1, 31)))
        time = PassingTime(engine, clock)
        await time.advance(timedelta(days=10))
        assert sent == [(day, day + 1) for day in range(1, 11)]
        await time.advance(timedelta(days=20))
        assert await handle.status() is Status.SUCCEEDED
    assert sent == [(day, day + 1) for day in range(1, 31)]


async def test_retries_happen_at_their_times(store, clock):
    tried = []

    @step(retry=Retry(max_attempts=4, initial=60, factor=10, max_interval=86400, jitter=False))
    async def work(value: str) -> str:
        tried.append(clock.now().timestamp())
        if len(tried) < 4:
            raise RuntimeError("not yet")
        return value

    @workflow("w")
    def flow(value: str) -> str:
        return work(value)

    async with Engine(store, workflows=[flow], clock=clock) as engine:
        handle = await engine.start(flow, "x")
        await PassingTime(engine, clock).advance(timedelta(hours=3))
        assert await handle.status() is Status.SUCCEEDED
    assert [later - sooner for sooner, later in pairwise(tried)] == [60, 600, 6000]
