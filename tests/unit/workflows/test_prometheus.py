"""Metrics, as Prometheus scrapes them."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, ExecutionReverted, Retry, StoreError, for_each, step, workflow
from euryale.workflows.prometheus import EngineMetrics
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FlakyStore
from eventually import eventually


class Scrape:
    """What a scrape gives."""

    def __init__(self, registry: CollectorRegistry) -> None:
        families = text_string_to_metric_families(generate_latest(registry).decode())
        self.samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples.get((name, *sorted(labels.items())), 0.0)


@pytest.fixture
def registry():
    return CollectorRegistry()


@step(retry=Retry(max_attempts=3, initial=0, jitter=False))
async def work(number: int) -> int:
    if number < 0:
        raise RuntimeError("negative")
    return number


@work.compensate
async def _(undo: int | None) -> None: ...


@workflow("each")
def each(numbers: list[int]) -> list[int]:
    return for_each(numbers, work)


async def test_executions_and_attempts_are_counted(registry):
    metrics = EngineMetrics(registry)
    async with Engine(MemoryStore()) as engine:
        detach = metrics.attach(engine.telemetry)
        await engine.run(each, [1, 2, 3])
        with pytest.raises(ExecutionReverted):
            await engine.run(each, [1, -1])
        detach()
        await engine.run(each, [1])
    scrape = Scrape(registry)
    assert scrape.value("euryale_executions_created_total", workflow="each") == 2
    assert scrape.value("euryale_executions_finished_total", workflow="each", status="succeeded") == 1
    assert scrape.value("euryale_executions_finished_total", workflow="each", status="reverted") == 1
    assert scrape.value("euryale_execution_seconds_count", workflow="each", status="succeeded") == 1
    assert scrape.value("euryale_executions_running", workflow="each") == 0
    of_step = {"workflow": "each", "step": "each:work"}
    assert scrape.value("euryale_step_attempt_seconds_count", **of_step, outcome="succeeded") == 4
    assert scrape.value("euryale_step_attempt_seconds_count", **of_step, outcome="failed") == 3
    assert scrape.value("euryale_step_retries_total", **of_step) == 2
    assert scrape.value("euryale_compensation_attempt_seconds_count", **of_step, outcome="succeeded") == 2
    assert scrape.value("euryale_queue_wait_seconds_count", workflow="each", queue="") == 2
    assert scrape.value("euryale_store_write_commits_sum") > 0
    assert scrape.value("euryale_store_write_seconds_count") == scrape.value("euryale_store_write_commits_count")


async def test_labels_do_not_grow_with_executions_or_items(registry):
    metrics = EngineMetrics(registry)
    async with Engine(MemoryStore()) as engine:
        metrics.attach(engine.telemetry)
        await engine.run(each, [1])
        before = set(Scrape(registry).samples)
        await engine.run(each, list(range(50)))
    assert set(Scrape(registry).samples) == before


async def test_what_runs_is_shown_and_what_waited_is_measured(registry):
    gate, clock = asyncio.Event(), ManualClock()
    running: list[int] = []

    @step
    async def hold(number: int) -> int:
        running.append(number)
        await gate.wait()
        return number

    @workflow("holding")
    def holding(number: int) -> int:
        return hold(number)

    metrics = EngineMetrics(registry)
    async with Engine(MemoryStore(), concurrency=1, clock=clock) as engine:
        metrics.attach(engine.telemetry)
        handles = [await engine.start(holding, number) for number in range(2)]
        await eventually(lambda: running)
        assert Scrape(registry).value("euryale_executions_running", workflow="holding") == 1
        clock.advance(30)
        gate.set()
        for handle in handles:
            await handle.result()
    scrape = Scrape(registry)
    assert scrape.value("euryale_executions_running", workflow="holding") == 0
    assert scrape.value("euryale_queue_wait_seconds_count", workflow="holding", queue="") == 2
    assert scrape.value("euryale_queue_wait_seconds_sum", workflow="holding", queue="") == 30


async def test_a_store_that_is_away_and_what_nobody_can_drive_are_counted(registry):
    metrics, store = EngineMetrics(registry), FlakyStore(MemoryStore())
    async with Engine(store) as engine:
        metrics.attach(engine.telemetry)
        store.fail("write")
        await engine.run(each, [1], id="e1")
    assert Scrape(registry).value("euryale_store_unavailable_total") == 1
    assert StoreError.code == "workflows.store"


async def test_a_worker_that_was_taken_for_dead_is_counted(registry):
    clock = ManualClock()
    store, gate, begun = MemoryStore(shared=True, clock=clock), asyncio.Event(), asyncio.Event()

    @step
    async def hold(number: int) -> int:
        begun.set()
        await gate.wait()
        return number

    @workflow("holding")
    def holding(number: int) -> int:
        return hold(number)

    metrics = EngineMetrics(registry)
    async with Engine(store, clock=clock, lease=15) as engine:
        metrics.attach(engine.telemetry)
        await engine.start(holding, 1, id="h1")
        await begun.wait()
        await store.retire(engine._worker.owner)
        clock.advance(6)
        await eventually(lambda: Scrape(registry).value("euryale_lease_losses_total"))
        assert Scrape(registry).value("euryale_executions_lost_total", workflow="holding") == 1
        gate.set()
        await engine.wait("h1")


def test_two_engines_share_one_set_of_metrics(registry):
    EngineMetrics(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        EngineMetrics(registry)
