"""What was started without a delay is due, whatever a wall clock shows that was set back, or runs behind."""

import asyncio
from datetime import timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, Queue, Status, step, workflow
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FlakyStore, PassingTime
from euryale.workflows.testing.store_samples import create
from eventually import eventually

HOUR = 3600.0
MANY = 1001
"""More than are made due at once."""


@pytest.fixture
def clock():
    return ManualClock()


class Stage:
    """A workflow of one step that says when it runs, and waits until it may end."""

    def __init__(self, queue: Queue | None = None) -> None:
        self.begun, self.go = [], asyncio.Event()

        @step
        async def work(name: str) -> str:
            self.begun.append(name)
            await self.go.wait()
            return name

        @workflow("staged", queue=queue)
        def flow(name: str) -> str:
            return work(name)

        self.flow = flow


async def start(engine, stage, *names, **options):
    for name in names:
        await engine.start(stage.flow, name, id=name, **options)


@pytest.mark.parametrize("queue", [None, Queue("line", concurrency=1)], ids=["for room", "for a slot"])
async def test_what_waits_begins_although_the_clock_is_set_back_meanwhile(clock, queue):
    stage = Stage(queue)
    async with Engine(
        MemoryStore(), workflows=[stage.flow], concurrency=1 if queue is None else 9, clock=clock
    ) as engine:
        await start(engine, stage, "a", "b", "c")
        await eventually(lambda: stage.begun == ["a"])
        for _ in range(3):  # what was made due by one clock is so by the next one, too
            clock.set_wall_clock(-HOUR)
            await PassingTime(engine, clock).advance(1)
        stage.go.set()
        await eventually(lambda: stage.begun == ["a", "b", "c"])


async def test_a_delay_goes_by_the_wall_clock(clock):
    stage = Stage()
    async with Engine(MemoryStore(), workflows=[stage.flow], clock=clock) as engine:
        await start(engine, stage, "a", delay=60)
        clock.set_wall_clock(-HOUR)
        await PassingTime(engine, clock).advance(HOUR + 59)
        assert stage.begun == []
        clock.advance(1)
        await eventually(lambda: stage.begun == ["a"])


async def test_what_was_created_before_a_restart_begins_although_the_clock_is_set_back_meanwhile(clock):
    store, stage = FlakyStore(MemoryStore()), Stage()
    await store.write(
        [
            create(
                f"e{at}",
                owner="",
                created_at=clock.timestamp(),
                available_at=clock.timestamp(),
                status=Status.PENDING,
                workflow="staged",
                plan_hash=stage.flow.plan.hash,
                input=b'"x"',
            )
            for at in range(MANY)
        ]
    )
    clock.set_wall_clock(-HOUR)
    store.fail("make_due", times=2)
    async with Engine(store, workflows=[stage.flow], concurrency=2 * MANY, clock=clock):
        await eventually(lambda: len(stage.begun) == MANY)
    assert store.failures == 2


async def test_what_is_started_by_a_clock_that_is_ahead_begins_within_fifteen_seconds(clock):
    store, stage, ahead = MemoryStore(shared=True, clock=clock), Stage(), ManualClock(clock.now() + timedelta(hours=1))
    async with (
        Engine(store, workflows=[stage.flow], clock=clock) as engine,
        Engine(store, workflows=[stage.flow], concurrency=0, clock=ahead) as starter,
    ):
        await PassingTime(engine, clock).settle()
        await start(starter, stage, "a")
        await PassingTime(engine, clock).advance(14)
        assert stage.begun == [], "by this clock it is of the future"
        await PassingTime(engine, clock).advance(1)
        await eventually(lambda: stage.begun == ["a"])
