"""An execution that only waits is let go of, and claimed again when it has something to do."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import LATER, Engine, Retry, Status, parallelize, step, step_context, workflow
from euryale.workflows.record.entry import Release
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.resting import Resting
from eventually import eventually

DAY = 24 * 3600.0


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def engine_of(store, clock):
    return lambda *flows, **options: Engine(store, workflows=flows, clock=clock, **options)


@step(completes="externally", external_timeout=3 * DAY)
async def approval(name: str) -> str:
    return LATER


@approval.compensate
async def _(undo: str | None) -> None: ...


@step
async def ship(name: str) -> str:
    return f"{name} shipped"


@workflow("order")
def order(name: str) -> str:
    return ship(approval(name))


@workflow("outer")
def outer(name: str) -> str:
    return ship(order(name))


def rests(engine: Engine, *ids: str) -> bool:
    return not any(engine._worker.drives(each) for each in ids)


async def test_one_that_waits_for_an_answer_takes_no_memory(engine_of):
    async with engine_of(order) as engine:
        handles = [await engine.start(order, f"n{number}", id=f"e{number}") for number in range(50)]
        await eventually(lambda: rests(engine, *(handle.id for handle in handles)))
        assert {(await handle.status()) for handle in handles} == {Status.WAITING}
        for number in reversed(range(50)):
            assert await engine.complete(f"e{number}/approval", f"a{number}")
        assert [await handle.result() for handle in handles] == [f"a{number} shipped" for number in range(50)]


async def test_whoever_waits_for_its_result_or_its_events_goes_on_waiting(engine_of):
    async with engine_of(order) as engine:
        handle = await engine.start(order, "n", id="e")
        result = asyncio.create_task(handle.result())
        story = asyncio.create_task(names(handle))
        await eventually(lambda: rests(engine, "e"))
        await engine.complete("e/approval", "a")
        assert await result == "a shipped"
        assert (await story)[-3:] == ["step.started", "step.succeeded", "execution.finished"]


async def names(handle) -> list[str]:
    return [event.name async for event in handle.events()]


async def test_it_times_out_days_later(engine_of, clock):
    async with engine_of(order) as engine:
        handle = await engine.start(order, "n", id="e")
        await eventually(lambda: rests(engine, "e"))
        clock.advance(3 * DAY - 1)
        assert await handle.status() is Status.WAITING
        clock.advance(2)
        assert await engine.wait("e") is Status.REVERTED
        assert "no completion came" in (await handle.view()).error.message


async def test_it_times_out_when_the_wall_clock_is_set_past_its_time(engine_of, clock):
    async with engine_of(order) as engine:
        await engine.start(order, "n", id="e")
        await eventually(lambda: rests(engine, "e"))
        clock.set_wall_clock(-DAY)
        assert (await engine.get("e")).status is Status.WAITING
        clock.set_wall_clock(5 * DAY)
        assert await engine.wait("e") is Status.REVERTED


async def test_it_is_cancelled_while_it_rests(engine_of):
    async with engine_of(order) as engine:
        handle = await engine.start(order, "n", id="e")
        await eventually(lambda: rests(engine, "e"))
        assert await handle.cancel()
        assert await engine.wait("e") is Status.REVERTED


async def test_a_parent_rests_with_its_child(engine_of):
    async with engine_of(outer) as engine:
        handle = await engine.start(outer, "n", id="e")
        await eventually(lambda: rests(engine, "e", "e::order"))
        assert await engine.complete("e::order/approval", "a")
        assert await handle.result() == "a shipped shipped"


async def test_the_deadline_of_the_workflow_wakes_it(engine_of, clock):
    @workflow("limited", timeout=DAY)
    def limited(name: str) -> str:
        return approval(name)

    async with engine_of(limited) as engine:
        handle = await engine.start(limited, "n", id="e")
        await eventually(lambda: rests(engine, "e"))
        clock.advance(DAY)
        assert await engine.wait("e") is Status.REVERTED
        assert (await handle.view()).reason == "timeout"


async def test_a_retry_far_away_is_waited_for_at_rest_forward_and_backward(engine_of, clock):
    attempts, undone = [], []
    patient = Retry(max_attempts=3, initial=DAY, factor=1, jitter=False)

    @step(retry=patient)
    async def work(name: str) -> str:
        attempts.append(step_context().attempt)
        if len(attempts) < 3:
            raise RuntimeError("not yet")
        return name

    @work.compensate(retry=patient)
    async def _(undo: str | None) -> None:
        undone.append(step_context().attempt)
        if len(undone) < 2:
            raise RuntimeError("not yet")

    @step
    async def fail(name: str) -> str:
        raise RuntimeError("for good")

    @workflow("w")
    def flow(name: str) -> str:
        return fail(work(name))

    async with engine_of(flow) as engine:
        await engine.start(flow, "n", id="e")
        for tries in (1, 2):
            await eventually(lambda tries=tries: len(attempts) == tries and rests(engine, "e"))
            clock.advance(DAY)
        await eventually(lambda: undone == [1] and rests(engine, "e"))
        assert await engine.handle("e").status() is Status.COMPENSATING
        clock.advance(DAY)
        assert await engine.wait("e") is Status.REVERTED
    assert (attempts, undone) == ([1, 2, 3], [1, 2])


async def test_it_rests_only_when_every_branch_waits(engine_of):
    go = asyncio.Event()

    @step
    async def work(name: str) -> str:
        await go.wait()
        return name

    @workflow("w")
    def flow(name: str) -> str:
        left, _right = parallelize(lambda: approval(work(name)), approval.named("second")(name))
        return ship(left)

    async with engine_of(flow) as engine:
        handle = await engine.start(flow, "n", id="e")
        await eventually(lambda: engine._worker.drives("e"))
        assert await engine.complete("e/second", "b")
        go.set()
        await eventually(lambda: rests(engine, "e"))
        assert await engine.complete("e/approval", "a")
        assert await handle.result() == "a shipped"


async def test_it_goes_on_after_a_restart(engine_of, clock):
    async with engine_of(order) as engine:
        await engine.start(order, "n", id="e")
        await eventually(lambda: rests(engine, "e"))
    async with engine_of(order) as engine:
        assert await engine.complete("e/approval", "a")
        assert await engine.result("e") == "a shipped"


async def test_more_than_there_is_room_for_wait_for_their_turn(engine_of):
    running, most, go = set(), [], asyncio.Event()

    @step
    async def work(name: str) -> str:
        running.add(name)
        most.append(len(running))
        await go.wait()
        running.discard(name)
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return work(name)

    async with engine_of(flow, concurrency=3) as engine:
        handles = [await engine.start(flow, f"n{number}") for number in range(20)]
        await eventually(lambda: len(running) == 3)
        statuses = [await handle.status() for handle in handles]
        assert statuses.count(Status.PENDING) == 17
        go.set()
        assert [await handle.result() for handle in handles] == [f"n{number}" for number in range(20)]
    assert max(most) == 3


async def test_one_that_waits_for_its_turn_can_be_cancelled(engine_of):
    go, runs = asyncio.Event(), []

    @step
    async def work(name: str) -> str:
        runs.append(name)
        await go.wait()
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return work(name)

    async with engine_of(flow, concurrency=1) as engine:
        first = await engine.start(flow, "first")
        second = await engine.start(flow, "second")
        assert await second.cancel()
        go.set()
        assert await first.result() == "first"
        assert await engine.wait(second.id) is Status.REVERTED
    assert runs == ["first"]


async def test_one_can_begin_later_and_its_time_limit_counts_from_then(engine_of, store, clock):
    @workflow("limited", timeout=60)
    def limited(name: str) -> str:
        return approval(name)

    async with engine_of(limited) as engine:
        handle = await engine.start(limited, "n", id="e", delay=timedelta(days=1))
        clock.advance(DAY - 1)
        assert await handle.status() is Status.PENDING
        clock.advance(1)
        await eventually(lambda: store._rows["e"].status is Status.WAITING)
        clock.advance(59)
        assert await handle.status() is Status.WAITING
        clock.advance(1)
        assert await engine.wait("e") is Status.REVERTED


async def test_the_most_urgent_begins_first(engine_of):
    go, begun = asyncio.Event(), []

    @step
    async def work(name: str) -> str:
        begun.append(name)
        await go.wait()
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return work(name)

    async with engine_of(flow, concurrency=1) as engine:
        handles = [await engine.start(flow, "first")]
        for name, priority in (("usual", 0), ("urgent", 5), ("idle", -1), ("usual too", 0)):
            handles.append(await engine.start(flow, name, priority=priority))
        await eventually(lambda: begun == ["first"])
        go.set()
        for handle in handles:
            await handle.result()
    assert begun == ["first", "urgent", "usual", "usual too", "idle"]


async def test_one_whose_child_has_just_ended_is_not_let_go_of():
    """Its lane was woken, and has not gone on yet: the end counts as seen, and nobody would say it again."""
    committed = []
    tools = SimpleNamespace(draining=asyncio.Event(), keeping=asyncio.Event(), rest_after=1.0, now=lambda: 0.0)
    written = asyncio.get_running_loop().create_future()
    row = SimpleNamespace(status=Status.RUNNING)
    run = SimpleNamespace(ended_children=set(), tools=tools, seen=0, deadline=None, has_news=False, row=row)
    run.commit = lambda _, release: committed.append(release) or written
    lanes = Lanes()
    resting = Resting(run, lanes)
    lane = Lane(SimpleNamespace(id="child"))
    lane.rest(None)
    lanes.all[lane] = None
    run.ended_children.add("child")
    resting.look()
    assert (resting.released, committed) == (None, [])
    run.ended_children.clear()
    resting.look()
    assert committed == [Release(None, 0)]
