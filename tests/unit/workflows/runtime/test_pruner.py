"""Executions whose retention is over are deleted, by themselves, in batches."""

import logging

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, ExecutionQuery, step, workflow
from euryale.workflows.runtime import pruner
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FlakyStore, PassingTime

HOUR = 3600.0


@step
async def work(value: str) -> str:
    return value


@workflow("kept", retention=HOUR)
def kept(value: str) -> str:
    return work(value)


@pytest.fixture
def clock():
    return ManualClock()


async def ids(engine):
    return [each.id for each in await engine.list(ExecutionQuery(limit=1000))]


async def test_what_is_old_goes_by_itself(clock, monkeypatch):
    monkeypatch.setattr(pruner, "_BATCH", 2)
    async with Engine(MemoryStore(), workflows=[kept], clock=clock) as engine:
        for number in range(5):
            await engine.run(kept, "x", id=f"old-{number}")
        await PassingTime(engine, clock).advance(HOUR / 2)
        await engine.run(kept, "x", id="young")
        await PassingTime(engine, clock).advance(HOUR / 2)
        assert await ids(engine) == ["young"]


@pytest.mark.parametrize("options", [{"prune_every": None}, {"concurrency": 0}])
async def test_it_does_not_unless_it_is_wanted(clock, options):
    store = MemoryStore(shared=True)
    async with Engine(store, workflows=[kept], clock=clock, prune_every=None) as worker:
        await worker.run(kept, "x", id="old")
        async with Engine(store, workflows=[kept], clock=clock, **options) as engine:
            await PassingTime(engine, clock).advance(5 * HOUR)
            assert await ids(engine) == ["old"]
            assert await engine.prune() == 1


async def test_a_store_that_is_away_is_asked_again(clock, caplog):
    store = FlakyStore(MemoryStore())
    async with Engine(store, workflows=[kept], clock=clock) as engine:
        await engine.run(kept, "x", id="old")
        with caplog.at_level(logging.WARNING):
            store.fail("prune", times=1)
            await PassingTime(engine, clock).advance(HOUR)
            assert "could not be deleted" in caplog.text
            assert await ids(engine) == ["old"]
        await PassingTime(engine, clock).advance(HOUR)
        assert await ids(engine) == []
