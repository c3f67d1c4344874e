"""Several workers on one store."""

import asyncio
import contextlib

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    LATER,
    Engine,
    IdempotencyError,
    Retry,
    Signal,
    Status,
    step,
    step_context,
    wait_for,
    workflow,
)
from euryale.workflows.errors import StaleOwnerError
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import PassingTime
from eventually import eventually

LEASE = 15.0


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(clock):
    return MemoryStore(shared=True, clock=clock)


@step(completes="externally")
async def approval(name: str) -> str:
    return LATER


@workflow("order")
def order(name: str) -> str:
    return approval(name)


class Stage:
    """A step that says where it runs, and waits until it may end."""

    def __init__(self):
        self.begun, self.go = [], asyncio.Event()

        @step
        async def work(name: str) -> str:
            self.begun.append(name)
            await self.go.wait()
            return f"{name} done"

        @workflow("staged")
        def flow(name: str) -> str:
            return work(name)

        self.flow = flow


@contextlib.asynccontextmanager
async def dead_after(engine: Engine):
    """An engine whose process dies at the end of the block: it signs off nowhere."""
    await engine.open()
    try:
        yield engine
    finally:
        await engine._worker._tasks.stop()
        await engine._tasks.stop()


async def test_one_starts_and_another_runs(store):
    stage = Stage()
    stage.go.set()
    async with Engine(store, concurrency=0) as client, Engine(store, workflows=[stage.flow]) as worker:
        handle = await client.start(stage.flow, "x")
        assert await handle.result() == "x done"
        assert await worker.result(handle.id) == "x done"
        names = [event.name async for event in handle.events()]
    assert names == ["step.succeeded", "execution.finished"]


async def test_without_a_worker_it_waits(store):
    stage = Stage()
    async with Engine(store, concurrency=0) as client:
        handle = await client.start(stage.flow, "x")
        assert await handle.status() is Status.PENDING
    assert stage.begun == []


async def test_messages_reach_an_execution_wherever_it_is(store):
    async with Engine(store, concurrency=0) as client, Engine(store, workflows=[order], rest_after=3600) as worker:
        client.register(order)
        handle = await client.start(order, "x", id="e")
        await eventually(lambda: worker._worker.drives("e") or store._rows["e"].status is Status.WAITING)
        assert await client.complete("e/approval", "ok")
        assert await handle.result() == "ok"
        other = await client.start(order, "y", id="f")
        assert await other.cancel()
        assert await client.wait("f") is Status.REVERTED


async def test_a_worker_that_dies_is_replaced_after_its_lease(store, clock):
    stage = Stage()
    async with (
        Engine(store, workflows=[stage.flow], clock=clock) as second,
        dead_after(Engine(store, workflows=[stage.flow], clock=clock)) as first,
    ):
        await first.start(stage.flow, "x", id="e")
        await eventually(lambda: stage.begun == ["x"])
    async with Engine(store, workflows=[stage.flow], clock=clock) as second:
        clock.advance(LEASE / 3)
        assert await store.reap() == (), "it may be alive"
        stage.go.set()

        async def taken_over() -> bool:
            clock.advance(LEASE / 3)
            return len(stage.begun) == 2

        await eventually(taken_over)
        assert await second.result("e") == "x done"


async def test_a_worker_that_signs_off_is_replaced_at_once(store, clock):
    stage = Stage()
    async with Engine(store, workflows=[stage.flow], clock=clock) as second:
        async with Engine(store, workflows=[stage.flow], clock=clock) as first:
            await first.start(stage.flow, "x", id="e")
            await eventually(lambda: stage.begun == ["x"])
        stage.go.set()
        clock.advance(1)
        assert await second.result("e") == "x done"


async def test_a_worker_that_was_taken_for_dead_writes_nothing_more_and_begins_anew(store, clock):
    stage = Stage()
    async with Engine(store, workflows=[stage.flow], clock=clock) as stale:
        handle = await stale.start(stage.flow, "x", id="e")
        await eventually(lambda: stage.begun == ["x"])
        former = stale._worker.owner
        await store.retire(former)  # what others do when its lease is over
        async with Engine(store, workflows=[stage.flow], clock=clock) as fresh:
            await eventually(lambda: stage.begun == ["x", "x"])
            stage.go.set()
            assert await fresh.result("e") == "x done"
            clock.advance(LEASE / 3)
            await eventually(lambda: stale._worker.owner != former)
            assert await handle.result() == "x done"
            assert await stale.run(stage.flow, "y") == "y done"
        journal = await store.load("e")
    assert [entry.kind for entry in journal.entries] == ["step.succeeded", "execution.finished"]


async def test_executions_whose_plan_a_worker_does_not_know_are_left_to_others(store):
    stage, other = Stage(), Stage()
    stage.go.set()
    async with Engine(store, workflows=[order]) as ignorant, Engine(store, concurrency=0) as client:
        handle = await client.start(stage.flow, "x", id="e")
        assert await ignorant.run(order.named("x") if hasattr(order, "named") else stage.flow, "y") == "y done"
        async with Engine(store, workflows=[other.flow]):
            assert await handle.result() == "x done"


async def test_a_worker_that_starts_something_before_it_knows_that_it_is_lost_begins_anew(store, clock):
    stage = Stage()
    stage.go.set()
    async with Engine(store, workflows=[stage.flow], clock=clock) as engine:
        former = engine._worker.owner
        await store.retire(former)
        results = await asyncio.gather(*(engine.run(stage.flow, name, id=name) for name in "abc"))
        assert results == ["a done", "b done", "c done"]
        assert engine._worker.owner != former
        assert list(store._leases) == [engine._worker.owner], "under one new name"
        with pytest.raises(IdempotencyError):
            await engine.start(stage.flow, "another", id="a")


async def test_a_signal_from_here_is_not_taken_again_with_one_from_elsewhere(store):
    stage, told = Stage(), Signal("told", str)

    @workflow("both")
    def both(name: str) -> list[str]:
        begun = stage.flow(name)
        return [begun, wait_for(told), wait_for(told)]

    async with Engine(store, workflows=[both], rest_after=3600) as worker, Engine(store, concurrency=0) as client:
        handle = await worker.start(both, "x", id="e")
        await eventually(lambda: stage.begun == ["x"])
        await worker.signal("e", told, "first")
        await client.signal("e", told, "second")
        await eventually(lambda: worker._worker.run("e").seen == 2)
        stage.go.set()
        assert await handle.result() == ["x done", "first", "second"]


class Hesitant(MemoryStore):
    """It takes its time to make a worker known that was taken for dead."""

    def __init__(self, clock):
        super().__init__(shared=True, clock=clock)
        self.enlisted, self.go = [], asyncio.Event()

    async def enlist(self, owner, lease):
        self.enlisted.append(owner)
        if len(self.enlisted) > 1:
            await self.go.wait()
        await super().enlist(owner, lease)


async def test_a_worker_that_was_taken_for_dead_becomes_one_worker_again(clock):
    store = Hesitant(clock)
    async with Engine(store, workflows=[order], clock=clock):
        await store.retire(store.enlisted[0])
        turns = iter(range(30))

        async def many_turns_later() -> bool:
            clock.advance(LEASE / 3)
            return len(store.enlisted) > 1 and next(turns) > 20

        await eventually(many_turns_later, every=0.001)
        store.go.set()
        await eventually(lambda: set(store._leases) == {store.enlisted[-1]})
        assert len(store.enlisted) == 2


class Undoable:
    """A step that fails or hangs at its first attempt, and is tried again after a minute; and its compensation."""

    def __init__(self, *, hangs):
        self.begun, self.interrupted, self.undone = [], [], []

        @step(retry=Retry(max_attempts=2, initial=60, jitter=False))
        async def work(name: str) -> str:
            self.begun.append(step_context().attempt)
            try:
                if hangs:
                    await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.interrupted.append(name)
                raise
            raise RuntimeError("not now")

        @work.compensate
        async def _(_: str | None) -> None:
            self.undone.append(step_context().attempt)

        @workflow("undoable")
        def flow(name: str) -> str:
            return work(name)

        self.flow = flow


async def taken_for_dead(engine, store, clock) -> None:
    """Let others take over from a worker, and have it notice that."""
    former = engine._worker.owner
    await store.retire(former)

    async def noticed() -> bool:
        clock.advance(LEASE / 3)
        return engine._worker.owner != former

    await eventually(noticed)


async def test_a_worker_that_was_taken_for_dead_begins_no_attempt_that_waited(store, clock):
    undoable = Undoable(hangs=False)
    async with Engine(store, workflows=[undoable.flow], clock=clock, rest_after=3600) as engine:
        await engine.start(undoable.flow, "x", id="e")
        await eventually(lambda: store._rows["e"].status is Status.WAITING)
        await taken_for_dead(engine, store, clock)
        assert await engine.cancel("e")
        assert await engine.wait("e") is Status.REVERTED
        await PassingTime(engine, clock).advance(300)
        assert (undoable.begun, undoable.undone) == ([1], [1])


async def test_a_worker_that_was_taken_for_dead_interrupts_what_it_does(store, clock):
    undoable = Undoable(hangs=True)
    async with Engine(store, workflows=[undoable.flow], clock=clock) as engine:
        await engine.start(undoable.flow, "x", id="e")
        await eventually(lambda: undoable.begun)
        await taken_for_dead(engine, store, clock)
        await eventually(lambda: undoable.interrupted == ["x"] and undoable.begun == [1, 1])
        assert (await engine.get("e")).stranded == "", "it goes on under its new name"


async def test_what_is_dropped_before_it_is_driven_does_nothing(store, clock):
    stage = Stage()
    async with Engine(store, workflows=[stage.flow], clock=clock) as engine:
        await engine.start(stage.flow, "x", id="e")
        engine._worker._present.drop_all(StaleOwnerError("it was taken over"), "lost")
        stage.go.set()
        assert await engine.run(stage.flow, "y") == "y done"
        assert stage.begun == ["y"]


async def test_who_only_looks_waits_for_what_others_know(store):
    async with (
        Engine(store, concurrency=0) as looking,
        Engine(store, workflows=[], rest_after=0) as other,
        Engine(store, workflows=[order], rest_after=0) as worker,
    ):
        handle = await worker.start(order, "x", id="e")
        await eventually(lambda: store._rows["e"].status is Status.WAITING and not store._rows["e"].owner)
        waiting = [asyncio.create_task(each.result("e")) for each in (looking, other)]
        assert (await looking.get("e")).stranded == "", "it drives nothing, so that it cannot say"
        assert "no plan" in (await other.get("e")).stranded
        assert await handle.status() is Status.WAITING
        assert await worker.complete("e/approval", "ok")
        assert await asyncio.gather(*waiting) == ["ok", "ok"]


async def test_a_worker_that_was_taken_for_dead_does_not_ask_on_and_on():
    clock = ManualClock()
    store, begun, gate = MemoryStore(shared=True, clock=clock), asyncio.Event(), asyncio.Event()

    @step
    async def hold(number: int) -> int:
        begun.set()
        await gate.wait()
        return number

    @workflow("held-by-the-dead")
    def held(number: int) -> int:
        return hold(number)

    async with Engine(store, clock=clock, lease=15) as engine:
        await engine.start(held, 1, id="h1")
        await begun.wait()
        await store.retire(engine._worker.owner)
        engine._worker.look()
        clock.advance(6)
        gate.set()
        async with asyncio.timeout(10):
            assert await engine.wait("h1") is Status.SUCCEEDED
