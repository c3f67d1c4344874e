"""A store that is away delays executions and fails none."""

import asyncio
import logging

import pytest

from euryale.workflows import (
    Engine,
    EngineClosedError,
    ExecutionCancelled,
    ExecutionReverted,
    Signal,
    Status,
    StoreError,
    UnwritableError,
    emit,
    step,
    wait_for,
    workflow,
)
from euryale.workflows.errors import StaleOwnerError
from euryale.workflows.record.entry import Commit
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.writer import Writer
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import FaultSwitch, FlakyStore
from euryale.workflows.testing.store_samples import create, entry
from eventually import eventually
from unhurried_store import UnhurriedStore


class Shop:
    def __init__(self, effects):
        self.faults = faults = FaultSwitch()

        @step
        async def work(name: str) -> str:
            faults.check(name)
            await effects.do(name)
            return name

        @work.compensate
        async def _(undo: str | None) -> None:
            await effects.undo(str(undo))

        @workflow("pack")
        def pack(name: str) -> str:
            return work(name)

        @workflow("order")
        def order(name: str) -> str:
            emit("placed", name)
            packed = pack(work(name))
            return work.named("last")(packed)

        self.order = order


@pytest.fixture
def shop(effects):
    return Shop(effects)


@pytest.fixture(params=["memory", "sqlite"])
def kept(request, tmp_path):
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "e.db", durability="process")


@pytest.fixture
def flaky(kept):
    return FlakyStore(kept)


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written, and the answer lost"])
async def test_writes_are_repeated_until_the_store_is_back(flaky, shop, effects, after, caplog):
    delivered = asyncio.Queue()

    async with Engine(flaky, deliver=delivered.put) as engine:
        flaky.fail("write", times=3, after=after)
        assert await engine.run(shop.order, "tea", id="e") == "tea"
        flaky.fail("write", times=2, after=after)
        shop.faults.fail("coffee")
        with pytest.raises(ExecutionReverted):
            await engine.run(shop.order, "coffee", id="f")
        assert effects.done() == ("tea",) * 3
        for execution_id in ("e", "e::pack", "f"):
            journal = await flaky.load(execution_id)
            assert [each.seq for each in journal.entries] == list(range(1, len(journal.entries) + 1))
        assert (await delivered.get()).execution_id == "e"
    assert flaky.failures == 5
    assert "trying again in 0.04 s: The store is away (write)" in caplog.text


@pytest.mark.parametrize("call", ["load", "reclaim"])
async def test_whatever_an_execution_needs_of_the_store_is_asked_again(flaky, shop, effects, call):
    """A parent that is undone loads its child and takes it over."""
    shop.faults.fail("last")

    @step
    async def fail(name: str) -> None:
        flaky.fail(call, times=2)
        raise RuntimeError(name)

    @workflow("outer")
    def outer(name: str) -> None:
        fail(shop.order(name))

    async with Engine(flaky) as engine:
        with pytest.raises(ExecutionReverted):
            await engine.run(outer, "tea", id="e")
        assert flaky.failures == 2
        assert {each.status for each in await engine.list()} == {Status.REVERTED}
    assert effects.undone() == ("tea",) * 3


async def test_reads_of_a_caller_fail_at_once(flaky, shop):
    async with Engine(flaky) as engine:
        await engine.run(shop.order, "tea", id="e")
        flaky.fail("load")
        with pytest.raises(StoreError, match="away"):
            await engine.get("e")


async def test_an_engine_that_is_closed_during_an_outage_does_not_wait_for_its_end(flaky, shop, effects):
    async with Engine(flaky) as engine:
        flaky.fail("write", times=-1)
        running = asyncio.create_task(engine.run(shop.order, "tea", id="e"))
        await eventually(lambda: flaky.failures > 1)
        await engine.close()
        with pytest.raises((StoreError, EngineClosedError)):
            await running
        flaky.fail("write", times=0)
        await engine.open()
        assert await engine.run(shop.order, "tea", id="e") == "tea"
        assert effects.done() == ("tea",) * 3


async def test_what_runs_when_the_engine_is_closed_during_an_outage_goes_on_later(flaky, shop, effects):
    engine = Engine(flaky, workflows=[shop.order])
    await engine.open()
    handle = await engine.start(shop.order, "tea", id="e")
    flaky.fail("write", times=-1)
    await eventually(lambda: flaky.failures > 1)
    await engine.close()
    with pytest.raises(EngineClosedError):
        await handle.result()
    flaky.fail("write", times=0)
    await engine.open()
    assert await engine.result("e") == "tea"
    assert 3 <= len(effects.done()) <= 4  # one step's result may not have been written
    await engine.close()


class Picky(UnhurriedStore):
    """Takes no commit of one execution while it is told not to."""

    picky = False

    async def write(self, commits):
        if self.picky and any(commit.execution_id == "e" for commit in commits):
            raise UnwritableError("not this one")
        return await super().write(commits)


async def test_an_execution_whose_result_can_never_be_written_is_stranded_alone_and_goes_on_when_that_is_mended():
    store, runs = Picky(), []

    @step
    async def work(name: str) -> str:
        runs.append(name)
        store.picky = len(runs) < 2
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return work.named("last")(work(name))

    async with Engine(store) as engine:
        with pytest.raises(UnwritableError, match="not this one"):
            await engine.run(flow, "x", id="e")
        assert (await engine.get("e")).stranded == "not this one"
        store.picky = False
        assert await engine.run(flow, "y", id="f") == "y"
        await engine.retry("e")
        assert await engine.result("e") == "x"
    assert runs == ["x", "y", "y", "x", "x"]


class BrieflyAwayAtRelease(UnhurriedStore):
    """Is away when an execution is let go of, until somebody lets it go on."""

    def __init__(self):
        super().__init__()
        self.asked, self.go_on, self.failures = asyncio.Event(), asyncio.Event(), 2

    async def write(self, commits):
        if any(commit.release for commit in commits) and self.failures:
            self.failures -= 1
            self.asked.set()
            await self.go_on.wait()
            raise StoreError("away")
        return await super().write(commits)


async def test_a_cancellation_that_comes_while_it_is_being_let_go_of_is_not_lost():
    store = BrieflyAwayAtRelease()

    @workflow("w")
    def flow() -> str:
        return wait_for(Signal("go", str))

    async with Engine(store) as engine, asyncio.timeout(10):
        handle = await engine.start(flow, id="e")
        await store.asked.wait()
        assert await engine.cancel("e")
        store.go_on.set()
        with pytest.raises(ExecutionCancelled):
            await handle.result()


class PickyAboutForks(MemoryStore):
    """Takes no execution with a history while it is told not to."""

    picky = True

    def write_at_once(self, commits):
        return None if self.picky else super().write_at_once(commits)

    async def write(self, commits):
        if self.picky and any(commit.create and commit.entries for commit in commits):
            raise UnwritableError("too long")
        return await super().write(commits)


async def test_a_fork_that_could_not_be_written_can_be_made_again():
    store = PickyAboutForks()

    @step
    async def work(name: str) -> str:
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return work.named("last")(work(name))

    async with Engine(store) as engine:
        await engine.run(flow, "x", id="e")
        with pytest.raises(UnwritableError):
            await engine.fork("e", "last", id="f")
        store.picky = False
        assert await (await engine.fork("e", "last", id="f")).result() == "x"


# --- the writer alone ------------------------------------------------------------------------------------------------


class Recording(UnhurriedStore):
    """Remembers the sizes of its batches, and takes them one at a time when told to."""

    def __init__(self):
        super().__init__()
        self.batches = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.never = ""

    async def write(self, commits):
        await self.gate.wait()
        self.batches.append([commit.execution_id for commit in commits])
        if self.never and any(commit.execution_id == self.never for commit in commits):
            raise (UnwritableError if self.never == "bad" else ZeroDivisionError)(f"never {self.never}")
        return await super().write(commits)


async def test_what_waits_is_written_together_and_in_order():
    store = Recording()
    writer = Writer(store, Patience())
    store.gate.clear()
    futures = [writer.submit(create(f"e{at}")) for at in range(1000)]
    store.gate.set()
    await asyncio.gather(*futures)
    assert [len(batch) for batch in store.batches] == [512, 488]
    assert [name for batch in store.batches for name in batch] == [f"e{at}" for at in range(1000)]


async def test_a_refusal_concerns_only_its_own_commit():
    writer = Writer(Recording(), Patience())
    futures = [writer.submit(create("e", input=each)) for each in (b"1", b"2")]
    futures.append(writer.submit(Commit("e", 1, (entry(1),))))
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), StaleOwnerError, type(None)]


@pytest.mark.parametrize("never", ["bad", "worse"])
async def test_a_commit_that_can_never_be_written_fails_alone(never, caplog):
    store = Recording()
    store.never = never
    writer = Writer(store, Patience())
    futures = [writer.submit(create(each)) for each in ("a", never, "c")]
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), UnwritableError, type(None)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert await store.load("c") is not None


async def test_a_waiter_that_is_cancelled_leaves_its_commit_to_be_written():
    store = Recording()
    writer = Writer(store, Patience())
    store.gate.clear()
    future = writer.submit(create("a"))
    waiter = asyncio.ensure_future(asyncio.shield(future))
    waiter.cancel()
    store.gate.set()
    await writer.drain()
    assert waiter.cancelled()
    assert await store.load("a") is not None


async def test_patience_ends_when_it_is_told_to():
    patience = Patience(first=3600)
    attempts = []

    async def attempt():
        attempts.append(1)
        if len(attempts) == 2:
            return "never seen: the second attempt is the last"
        raise StoreError("away")

    outlasting = asyncio.create_task(patience.outlast("trying", attempt))
    await eventually(lambda: attempts)
    patience.end()
    assert await outlasting == "never seen: the second attempt is the last"
    attempts.clear()
    with pytest.raises(StoreError, match="away"):
        await patience.outlast("trying", attempt)
    assert len(attempts) == 1
