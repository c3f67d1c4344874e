"""Retrying an execution of an application of one's own: it alone is driven, and what it does is shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from euryale.cli.application import ApplicationExecutions
from euryale.cli.errors import OperationFailedError
from euryale.cli.retrying import check_retried, retry_and_show
from euryale.cloud.wire.executions import ExecutionDetail
from euryale.workflows import Engine, Retry, UnknownExecutionError, Workflow, WorkflowError, step, workflow
from euryale.workflows.stores.memory import MemoryStore

BEGUN = "it is tried again"


@dataclass
class Shop:
    """Orders that cannot be shipped, and whose reservations cannot always be undone."""

    store: MemoryStore = field(default_factory=MemoryStore)
    failures: int = 1
    hangs: bool = False
    began_undoing: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[str] = field(default_factory=list)

    def flow(self) -> Workflow[str, str]:
        @step(name="reserve")
        async def reserve(item: str) -> str:
            self.done.append(f"reserve {item}")
            return item

        @reserve.compensate(retry=Retry(max_attempts=2, initial=0.01))
        async def _(_: str | None) -> None:
            self.began_undoing.set()
            if self.hangs:
                await asyncio.Event().wait()
            if self.failures:
                self.failures -= 1
                raise RuntimeError("the store room is closed")

        @step(name="ship")
        async def ship(_: str) -> str:
            raise RuntimeError("no lorry")

        @workflow("order")
        def order(item: str) -> str:
            return ship(reserve(item))

        return order

    @asynccontextmanager
    async def opened(self, *, driving: bool = False) -> AsyncIterator[Engine]:
        engine = Engine(self.store, workflows=[self.flow()], rest_after=0.0)
        await engine.open(driving=driving)
        try:
            yield engine
        finally:
            await engine.close()

    async def fail(self, *others: str) -> None:
        """Leave `order-1` as failed, and others as not begun."""
        self.failures = 2
        async with self.opened(driving=True) as engine:
            handle = await engine.start(engine.workflow("order"), "tea", id="order-1")
            await engine.wait(handle.id)
        async with Engine(self.store, concurrency=0) as client:
            client.register(flow := self.flow())
            for each in others:
                await client.start(flow, each, id=each)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def retried(engine: Engine, execution: str) -> str:
    async with engine.reading() as insight:
        source = ApplicationExecutions(insight, engine)
        await retry_and_show(source, execution, begun=BEGUN)
        outcome = await source.execution(execution)
        check_retried(outcome)
        return outcome.status


async def test_what_it_does_from_now_on_is_shown_though_its_next_attempt_is_far_enough_to_rest(shop, capsys):
    await shop.fail()
    shop.failures = 1
    async with shop.opened() as engine:
        assert await retried(engine, "order-1") == "reverted"
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == BEGUN
    assert [line.split(":")[0] for line in lines] == ["↻ order / reserve", "↶ order / reserve"]
    assert "the store room is closed" in lines[0]


class SlowSource(ApplicationExecutions):
    """Answers for the second time when the retry is over."""

    def __init__(self, *parts) -> None:
        super().__init__(*parts)
        self.retried, self.asked = asyncio.Event(), 0

    async def execution(self, execution: str) -> ExecutionDetail:
        self.asked += 1
        if self.asked > 1:
            await self.retried.wait()
        return await super().execution(execution)

    async def retry_execution(self, execution: str) -> str:
        await super().retry_execution(execution)
        self.retried.set()
        return execution


async def test_what_was_undone_before_anybody_looked_is_shown_too(shop, capsys):
    await shop.fail()
    shop.failures = 0
    async with shop.opened() as engine, engine.reading() as insight:
        await retry_and_show(SlowSource(insight, engine), "order-1", begun=BEGUN)
    assert capsys.readouterr().out.splitlines() == [BEGUN, "↶ order / reserve: undone"]


async def test_one_that_cannot_be_undone_again_is_no_success(shop):
    await shop.fail()
    shop.failures = 2
    async with shop.opened() as engine:
        with pytest.raises(OperationFailedError, match="this time, either"):
            await retried(engine, "order-1")


async def test_nothing_else_that_is_due_is_driven_not_even_for_an_id_that_is_mistyped(shop):
    await shop.fail("other")
    shop.done.clear()
    async with shop.opened() as engine:
        with pytest.raises(UnknownExecutionError, match="No execution 'nope'"):
            await retried(engine, "nope")
        assert await retried(engine, "order-1") == "reverted"
        assert (await engine.get("other")).status == "pending"
    assert shop.done == []


async def test_a_retry_that_was_broken_off_goes_on_with_the_next(shop):
    await shop.fail()
    shop.failures, shop.hangs = 0, True
    shop.began_undoing.clear()
    async with shop.opened() as engine:
        asking = asyncio.create_task(retried(engine, "order-1"))
        await shop.began_undoing.wait()
        asking.cancel()
        await asyncio.wait([asking])
        assert (await engine.get("order-1")).status == "compensating"
        with pytest.raises(WorkflowError, match="goes on by itself here"):
            await engine.retry("order-1")
    shop.hangs = False
    async with shop.opened() as engine:
        assert await retried(engine, "order-1") == "reverted"
