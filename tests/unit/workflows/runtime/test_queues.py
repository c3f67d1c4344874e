"""Executions that wait for their turn in a queue."""

import asyncio
from datetime import timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    LATER,
    Engine,
    ExecutionCancelled,
    ExecutionQuery,
    ExecutionReverted,
    IdempotencyError,
    PermanentFailure,
    Queue,
    QueueRejectedError,
    Rate,
    Schedule,
    Signal,
    Slot,
    Status,
    WorkflowError,
    detach,
    sleep,
    step,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.errors import DefinitionError
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FlakyStore, PassingTime
from eventually import eventually

DAY = 24 * 3600.0
GO = Signal("go", str)


def first(value: str) -> str:
    """The key of an input: what stands before the dash."""
    return value.partition("-")[0]


class Works:
    """A workflow of one step that says when it runs, and waits until it may end."""

    def __init__(self, queue: Queue | None = None, *, hears: Signal[str] | None = None) -> None:
        self.begun: list[str] = []
        self.undone: list[str] = []
        self.most = 0
        self._now = 0
        self.gates: dict[str, asyncio.Event] = {}

        @step
        async def work(name: str) -> str:
            self.begun.append(name)
            self._now += 1
            self.most = max(self.most, self._now)
            try:
                await self.gate(name).wait()
            finally:
                self._now -= 1
            return f"{name} done"

        @work.compensate
        async def _(undo: str | None, *, name: str) -> None:
            self.undone.append(name)

        @workflow("works", queue=queue)
        def flow(name: str) -> str:
            if hears is not None:
                when(name, lambda name: name == "who listens").then(lambda: wait_for(hears))
            return work(name)

        self.flow = flow

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def let_go(self, *names: str) -> None:
        for name in names:
            self.gate(name).set()


@pytest.fixture
def clock():
    return ManualClock()


async def start(engine: Engine, works: Works, *names: str, **options):
    return [await engine.start(works.flow, name, id=name, **options) for name in names]


async def statuses(engine: Engine) -> dict[str, str]:
    return {view.id: str(view.status) for view in await engine.list()}


async def test_so_many_of_a_queue_are_under_way(engine):
    works = Works(Queue("q", concurrency=2))
    handles = await start(engine, works, "a", "b", "c", "d")
    await eventually(lambda: works.begun == ["a", "b"])
    assert await statuses(engine) == {"a": "running", "b": "running", "c": "pending", "d": "pending"}
    works.let_go("b")
    await eventually(lambda: works.begun == ["a", "b", "c"])
    works.let_go("a", "c", "d")
    assert [await handle.result() for handle in handles] == ["a done", "b done", "c done", "d done"]
    assert works.most == 2


async def test_it_is_run_in_its_queue_too(engine):
    works = Works(Queue("q", concurrency=1))
    works.let_go("a", "b")
    assert await engine.run(works.flow, "a") == "a done"
    assert await engine.run(works.flow, "b", queue=None) == "b done"
    views = await engine.list()
    assert [(view.queue, view.slot) for view in views] == [("", Slot.NONE), ("q", Slot.HELD)]


async def test_the_highest_priority_of_a_queue_begins_first(engine):
    works = Works(Queue("q", concurrency=1))
    await start(engine, works, "a")
    await eventually(lambda: works.begun == ["a"])
    await start(engine, works, "low", "later")
    await start(engine, works, "high", priority=5)
    works.let_go("a", "low", "later", "high")
    await eventually(lambda: works.begun == ["a", "high", "low", "later"])


async def test_a_queue_may_be_named_at_the_start(engine):
    works, queue = Works(), Queue("other", concurrency=1, key=first)
    await start(engine, works, "a-1", "a-2", queue=queue, priority=3)
    await start(engine, works, "free")
    await eventually(lambda: sorted(works.begun) == ["a-1", "free"])
    view = await engine.get("a-2")
    assert (view.queue, view.key, view.priority, view.slot) == ("other", "a", 3, Slot.WAITING)
    assert [each.id for each in await engine.list(ExecutionQuery(queue="other"))] == ["a-2", "a-1"]


async def test_a_key_that_is_taken_holds_up_nobody_else(engine):
    works = Works(Queue("q", key=first))
    await start(engine, works, "a-1", "a-2", "a-3", "b-1")
    await eventually(lambda: works.begun == ["a-1", "b-1"])
    works.let_go("a-1")
    await eventually(lambda: works.begun == ["a-1", "b-1", "a-2"])


async def test_a_slot_is_held_over_waits_and_restarts(store, clock):
    queue = Queue("q", key=first)

    @step(completes="externally")
    async def approval(name: str) -> str:
        return LATER

    @workflow("w", queue=queue)
    def flow(name: str) -> str:
        return approval(name)

    async with Engine(store, workflows=[flow], clock=clock) as engine:
        await engine.start(flow, "a-1", id="a-1")
        await eventually(lambda: not engine._worker.drives("a-1") and store._rows["a-1"].status is Status.WAITING)
        await engine.start(flow, "a-2", id="a-2")
        await PassingTime(engine, clock).settle()
        assert await statuses(engine) == {"a-1": "waiting", "a-2": "pending"}
    async with Engine(store, workflows=[flow], clock=clock) as engine:
        await PassingTime(engine, clock).advance(DAY)
        assert await statuses(engine) == {"a-1": "waiting", "a-2": "pending"}
        await engine.complete("a-1/approval", "ok")
        assert await engine.result("a-1") == "ok"
        await eventually(lambda: store._rows["a-2"].status is Status.WAITING)


async def test_a_slot_is_held_while_it_is_undone(engine):
    undoing = asyncio.Event()

    @step
    async def fail(name: str) -> str:
        if name == "a":
            raise PermanentFailure("no")
        return name

    @fail.compensate
    async def _(undo: str | None) -> None:
        await undoing.wait()

    @workflow("w", queue=Queue("q", concurrency=1))
    def flow(name: str) -> str:
        return fail(name)

    failing, waiting = await engine.start(flow, "a", id="a"), await engine.start(flow, "b", id="b")

    async def is_undone() -> bool:
        return await failing.status() is Status.COMPENSATING

    await eventually(is_undone)
    assert await waiting.status() is Status.PENDING
    undoing.set()
    with pytest.raises(ExecutionReverted):
        await failing.result()
    assert await waiting.result() == "b"


async def test_a_worker_drives_so_many_also_of_those_that_go_on(clock):
    store = MemoryStore(shared=True, clock=clock)
    queue = Queue("q", worker_concurrency=1)
    slow = asyncio.Event()

    @step
    async def work(name: str) -> str:
        await slow.wait()
        return name

    @workflow("w", queue=queue)
    def flow(name: str) -> str:
        return work(name)

    async with (
        Engine(store, workflows=[flow], clock=clock) as one,
        Engine(store, workflows=[flow], clock=clock) as two,
    ):
        for number in range(4):
            await one.start(flow, str(number), id=str(number))
        await eventually(lambda: sum(row.owner != "" for row in store._rows.values()) == 2)
        assert {row.owner for row in store._rows.values()} - {""} == {one._worker.owner, two._worker.owner}
        slow.set()
        for number in range(4):
            assert await two.result(str(number)) == str(number)


async def test_one_that_wakes_waits_for_its_workers_place(store, clock):
    queue = Queue("q", worker_concurrency=1)
    busy, begun = asyncio.Event(), []

    @step
    async def work(name: str) -> str:
        begun.append(name)
        if name == "busy":
            await busy.wait()
        return name

    @workflow("w", queue=queue)
    def flow(name: str) -> str:
        sleep(3600)
        return work(name)

    @workflow("v", queue=queue)
    def at_once(name: str) -> str:
        return work(name)

    async with Engine(store, workflows=[flow, at_once], clock=clock) as engine:
        time = PassingTime(engine, clock)
        sleeper = await engine.start(flow, "sleeper", id="sleeper")
        await time.settle()
        other = await engine.start(at_once, "busy", id="busy")
        await eventually(lambda: begun == ["busy"])
        await time.advance(2 * 3600)
        assert await sleeper.status() is Status.WAITING, "the worker drives another one"
        busy.set()
        assert await other.result() == "busy"
        assert await sleeper.result() == "sleeper"


async def test_so_many_begin_in_any_window_of_time(store, clock):
    works = Works(Queue("q", rate=Rate(2, per=timedelta(minutes=1))))
    works.let_go(*"abcde")
    async with Engine(store, workflows=[works.flow], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await start(engine, works, "a")
        await time.advance(20)
        await start(engine, works, "b", "c", "d", "e")
        await time.settle()
        assert works.begun == ["a", "b"]
        await time.advance(39)
        assert works.begun == ["a", "b"]
        await time.advance(1)
        assert works.begun == ["a", "b", "c"]
        await time.advance(20)
        assert works.begun == ["a", "b", "c", "d"]
        await time.advance(40)
        assert works.begun == ["a", "b", "c", "d", "e"]


async def test_what_the_rate_counts_is_not_pruned(store, clock):
    @workflow("short", queue=Queue("q", rate=Rate(1, per=60)), retention=0)
    def short(name: str) -> str:
        return name

    async with Engine(store, workflows=[short], clock=clock) as engine:
        await engine.start(short, "a", id="a")
        assert await engine.result("a") == "a"
        assert await engine.prune() == 0
        handle = await engine.start(short, "b", id="b")
        await PassingTime(engine, clock).advance(59)
        assert await handle.status() is Status.PENDING
        await PassingTime(engine, clock).advance(1)
        assert await handle.result() == "b"
        assert await engine.prune() == 1


async def test_a_delay_passes_before_it_waits_for_its_turn(store, clock):
    works = Works(Queue("q", concurrency=1), hears=GO)
    works.let_go("a", "b")
    async with Engine(store, workflows=[works.flow], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await start(engine, works, "a", delay=timedelta(days=1))
        await start(engine, works, "b")
        await engine.signal("a", GO, "early")
        await time.advance(DAY - 1)
        assert works.begun == ["b"]
        await time.advance(1)
        assert works.begun == ["b", "a"]


async def test_a_delayed_one_in_no_queue_is_not_begun_early_by_a_signal(store, clock):
    works = Works(hears=GO)
    async with Engine(store, workflows=[works.flow], clock=clock) as engine:
        await start(engine, works, "a", "b", delay=DAY)
        await engine.signal("a", GO, "early")
        await PassingTime(engine, clock).settle()
        assert works.begun == []
        assert await engine.cancel("b")
        assert await engine.wait("b") is Status.REVERTED


async def test_one_that_is_cancelled_while_it_waits_ends_at_once(engine):
    works = Works(Queue("q", concurrency=1))
    _, handle = await start(engine, works, "a", "b")
    await eventually(lambda: works.begun == ["a"])
    watch = asyncio.create_task(names(handle))
    assert await handle.cancel()
    with pytest.raises(ExecutionCancelled, match="It was cancelled"):
        await handle.result()
    assert (works.begun, works.undone) == (["a"], []), "nothing was begun, so nothing is undone"
    assert await watch == ["execution.compensating", "execution.finished"]
    assert (await handle.view()).slot is Slot.WAIVED
    works.let_go("a")
    assert await engine.result("a") == "a done"


async def names(handle) -> list[str]:
    return [event.name async for event in handle.events()]


async def test_replace_leaves_one_that_waits(engine):
    works = Works(Queue("q", key=first, policy="replace"))
    _, second, third = await start(engine, works, "a-1", "a-2", "a-3")
    with pytest.raises(ExecutionCancelled, match="It was replaced by a-3, which has the same key 'a' in queue 'q'"):
        await second.result()
    assert (await second.view()).status is Status.REVERTED
    works.let_go("a-1", "a-3")
    assert await third.result() == "a-3 done"
    assert (works.begun, works.undone) == (["a-1", "a-3"], [])


async def test_cancel_undoes_the_one_that_has_begun(engine):
    works = Works(Queue("q", key=first, policy="cancel"))
    running, other = await start(engine, works, "a-1", "b-1")
    await eventually(lambda: works.begun == ["a-1", "b-1"])
    (newest,) = await start(engine, works, "a-2")
    with pytest.raises(ExecutionCancelled, match="replaced by a-2"):
        await running.result()
    await eventually(lambda: works.begun == ["a-1", "b-1", "a-2"])
    assert works.undone == ["a-1"]
    works.let_go("a-2", "b-1")
    assert (await newest.result(), await other.result()) == ("a-2 done", "b-1 done")


async def test_reject_starts_nothing(engine):
    works = Works(Queue("q", key=first, policy="reject"))
    await start(engine, works, "a-1")
    with pytest.raises(QueueRejectedError, match="a-2 was not started: execution a-1 has the key 'a'") as caught:
        await start(engine, works, "a-2")
    assert caught.value.execution == "a-1"
    again, other = await start(engine, works, "a-1", "b-1")
    works.let_go("a-1", "b-1", "a-2")
    assert (await again.result(), await other.result()) == ("a-1 done", "b-1 done")
    assert set(await statuses(engine)) == {"a-1", "b-1"}
    (handle,) = await start(engine, works, "a-2")
    assert await handle.result() == "a-2 done"


async def test_an_id_comes_before_the_policy(engine):
    works = Works(Queue("q", key=first, policy="cancel"))
    await start(engine, works, "a-1", "a-1")
    with pytest.raises(IdempotencyError, match="another input"):
        await engine.start(works.flow, "a-2", id="a-1")
    works.let_go("a-1")
    assert await engine.result("a-1") == "a-1 done"


async def test_one_that_has_not_ended_is_joined_by_its_dedup_key(engine):
    works = Works(Queue("q", concurrency=1))
    works.let_go("b")
    one = await engine.start(works.flow, "a", deduplicate="nightly")
    two = await engine.start(works.flow, "a", deduplicate="nightly")
    other = await engine.start(works.flow, "b", deduplicate="hourly")
    assert (one.id == two.id, one.id == other.id) == (True, False)
    with pytest.raises(IdempotencyError, match=r"started with another input.*key 'nightly' in its queue"):
        await engine.start(works.flow, "b", deduplicate="nightly")
    works.let_go("a")
    assert await two.result() == "a done"
    assert (await engine.start(works.flow, "a", deduplicate="nightly")).id != one.id
    with pytest.raises(DefinitionError, match="is started in no queue"):
        await engine.start(works.flow, "a", deduplicate="nightly", queue=None)


async def test_a_child_that_is_awaited_takes_no_slot(engine):
    queue = Queue("q", concurrency=1)

    @step
    async def work(name: str) -> str:
        return name

    @workflow("inner", queue=queue)
    def inner(name: str) -> str:
        return work(name)

    @workflow("outer", queue=queue)
    def outer(name: str) -> str:
        return inner(name)

    async with asyncio.timeout(5):
        assert await engine.run(outer, "a") == "a"


@pytest.mark.parametrize("policy", ["queue", "cancel"])
async def test_a_detached_child_waits_for_its_turn(engine, policy):
    works = Works(Queue("q", key=first, policy=policy))

    @workflow("outer")
    def outer(name: str) -> str:
        return detach(works.flow, name)

    await start(engine, works, "a-1")
    await eventually(lambda: works.begun == ["a-1"])
    child = await engine.run(outer, "a-2")
    works.let_go("a-1", "a-2")
    assert await engine.wait("a-1") is (Status.REVERTED if policy == "cancel" else Status.SUCCEEDED)
    assert await engine.result(child) == "a-2 done"
    assert (await engine.get(child)).key == "a"


async def test_a_detached_child_that_is_rejected_fails_its_step(engine):
    works = Works(Queue("q", key=first, policy="reject"))

    @workflow("outer")
    def outer(name: str) -> str:
        return detach(works.flow, name)

    await start(engine, works, "a-1")
    with pytest.raises(ExecutionReverted, match="has the key 'a' in queue 'q'"):
        await engine.run(outer, "a-2")


async def test_what_waits_in_a_queue_that_nobody_knows_says_so(store):
    works, queue = Works(), Queue("q")
    works.let_go("a")
    async with Engine(store, concurrency=0) as client:
        await client.start(works.flow, "a", id="a", queue=queue)
    async with Engine(store, workflows=[works.flow]) as engine:
        assert (await engine.get("a")).stranded == "no queue 'q' is registered"
        assert [view.stranded for view in await engine.list()] == ["no queue 'q' is registered"]
        with pytest.raises(WorkflowError, match="waits for its turn in queue 'q'"):
            await engine.retry("a")
    async with Engine(store, workflows=[works.flow], queues=[queue]) as engine:
        assert await engine.result("a") == "a done"
        assert (await engine.get("a")).stranded == ""


async def test_one_that_has_begun_goes_on_where_its_queue_is_not_known(store):
    works = Works(Queue("q", worker_concurrency=1))
    async with Engine(store, workflows=[works.flow]) as engine:
        await start(engine, works, "a")
        await eventually(lambda: works.begun == ["a"])
    works.let_go("a")
    without = Works()
    without.let_go("a")
    async with Engine(store, workflows=[without.flow]) as engine:
        assert await engine.result("a") == "a done"


async def test_queues_and_the_rest_have_turns_when_there_is_little_room(store):
    works = Works(Queue("q"))
    async with Engine(store, concurrency=0) as client:
        for number in range(4):
            await client.start(works.flow, f"q{number}", id=f"q{number}")
            await client.start(works.flow, f"f{number}", id=f"f{number}", queue=None)
    works.let_go(*(f"{kind}{number}" for kind in "qf" for number in range(4)))
    async with Engine(store, workflows=[works.flow], concurrency=1) as engine:
        for number in range(4):
            assert await engine.result(f"q{number}") == f"q{number} done"
            assert await engine.result(f"f{number}") == f"f{number} done"
    kinds = "".join(name[0] for name in works.begun)
    assert "fff" not in kinds, kinds
    assert "qqq" not in kinds, kinds


async def test_a_fork_and_a_rerun_wait_for_their_turn(engine):
    works = Works(Queue("q", concurrency=1))
    works.let_go("a")
    await engine.run(works.flow, "a", id="a")
    works.gates.clear()
    fork, rerun = await engine.fork("a", "work", id="b"), await engine.rerun("a", id="c")
    await eventually(lambda: works.begun == ["a", "a"])
    assert {(await fork.view()).queue, (await rerun.view()).queue} == {"q"}
    assert await rerun.status() is Status.PENDING
    works.let_go("a")
    assert (await fork.result(), await rerun.result()) == ("a done", "a done")


async def test_an_answer_that_was_lost_is_no_harm(clock):
    store = FlakyStore(MemoryStore())
    works = Works(Queue("q", key=first, policy="cancel"))
    async with Engine(store, workflows=[works.flow]) as engine:
        await start(engine, works, "a-1")
        await eventually(lambda: works.begun == ["a-1"])
        store.fail("enter", after=True)
        await start(engine, works, "a-2")
        assert await engine.wait("a-1") is Status.REVERTED
        works.let_go("a-2")
        store.fail("claim_queued", times=2)
        assert await engine.result("a-2") == "a-2 done"


async def test_a_start_whose_caller_is_gone_is_one_all_the_same():
    store = FlakyStore(MemoryStore())
    works = Works(Queue("q", key=first, policy="replace"))
    async with Engine(store, workflows=[works.flow]) as engine:
        store.fail("enter")
        starting = asyncio.create_task(engine.start(works.flow, "a-1", id="a-1"))
        await eventually(lambda: store.failures == 1)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await eventually(lambda: works.begun == ["a-1"])


async def test_many_workers_hold_to_the_limits_of_a_queue(clock):
    store = MemoryStore(shared=True)
    works = Works(Queue("q", concurrency=3, key=first))
    names_ = [f"k{number % 5}-{number}" for number in range(30)]
    works.let_go(*names_)
    async with (
        Engine(store, workflows=[works.flow]) as one,
        Engine(store, workflows=[works.flow]),
        Engine(store, workflows=[works.flow]),
    ):
        await start(one, works, *names_)
        for name in names_:
            assert await one.result(name) == f"{name} done"
    assert works.most <= 3
    assert sorted(works.begun) == sorted(names_)


async def test_what_a_schedule_fires_waits_for_its_turn(store, clock):
    works = Works(Queue("q", key=first))
    nightly = Schedule("nightly", works.flow, every=60, input="a-scheduled")
    async with Engine(store, schedules=[nightly], clock=clock) as engine:
        await start(engine, works, "a-1")
        await PassingTime(engine, clock).advance(60)
        (waits,) = await engine.list(ExecutionQuery(statuses=frozenset({Status.PENDING})))
        assert (waits.queue, waits.key, works.begun) == ("q", "a", ["a-1"])
        works.let_go("a-1", "a-scheduled")
        assert await engine.result(waits.id) == "a-scheduled done"
