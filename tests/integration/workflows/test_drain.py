"""Worker processes that are told to end: they come to the end of their steps, and others go on at once."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from euryale.workflows import Engine, Status, step
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually
from shop import STEPS, shop_of
from worker_processes import WorkerProcesses

WORKER = Path(__file__).with_name("drain_worker.py")
COUNT = 120
WITHIN = 60.0
"""Half of the workers' lease."""


class Workers(WorkerProcesses):
    """Workers that drain, on one store; while ``hangs`` is there, their steps do not end."""

    def __init__(self, store: str, folder: Path) -> None:
        super().__init__(WORKER, folder / "effects")
        self.store = store
        self.hangs = folder / "hangs"

    async def start(self, limit: float = 20) -> asyncio.subprocess.Process:
        return await super().start(self.store, str(self.effects), str(limit))


@pytest.fixture
def shop():
    """The workflow that the workers know."""

    def made(name):
        async def work(order: int) -> int:
            return order

        return step(name=name)(work)

    return shop_of(made, made("ship"))


@pytest.fixture
async def workers(server, tmp_path):
    workers = Workers(server.url, tmp_path)
    try:
        yield workers
    finally:
        await workers.stop()


@pytest.fixture
async def client(server, shop, workers):
    """An engine that drives nothing itself."""
    async with Engine(PostgresStore(server.url), concurrency=0) as client:
        yield client


async def place_orders(engine, shop, orders=range(COUNT)) -> None:
    await asyncio.gather(*(engine.start(shop, order, id=f"e{order}") for order in orders))


async def all_succeed(engine) -> None:
    async with asyncio.timeout(WITHIN):
        for order in range(COUNT):
            assert await engine.wait(f"e{order}") is Status.SUCCEEDED


def check_each_step_was_run_once(workers) -> dict[str, set[str]]:
    """Return who worked at each execution."""
    lines = workers.lines()
    assert {count for (what, *_), count in Counter((what, *where) for _, what, *where in lines).items()} == {1}
    assert len(lines) == 2 * len(STEPS) * COUNT
    pids = defaultdict(set)
    for pid, _, execution, _ in lines:
        pids[execution.partition("::")[0]].add(pid)
    return pids


async def test_one_of_two_drains_under_load_and_no_step_is_run_twice(workers, client, shop):
    a, _ = await workers.start(), await workers.start()
    await place_orders(client, shop)
    await workers.after_more(100)
    a.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(a.wait(), 20) == 0
    await all_succeed(client)
    pids = check_each_step_was_run_once(workers)
    assert any(len(each) == 2 for each in pids.values()), "what the one had begun the other went on with"
    epochs = {(await client._store.load(f"e{order}")).row.epoch for order in range(COUNT)}
    assert max(epochs) > 2, "they were claimed again"


async def test_each_worker_in_turn_is_replaced_under_load(workers, client, shop):
    """A rolling deployment."""
    worker = await workers.start()
    for first in range(0, COUNT, COUNT // 3):
        successor = await workers.start()
        await place_orders(client, shop, range(first, first + COUNT // 3))
        await workers.after_more(60)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        worker = successor
    await all_succeed(client)
    check_each_step_was_run_once(workers)


async def test_a_step_that_hangs_is_handed_over_at_the_limit(workers, client, shop):
    hanging = await workers.start(limit=0.5)
    workers.hangs.touch()
    await client.start(shop, 1, id="e1")
    await eventually(lambda: len(workers.lines()) == 2)
    began = time.monotonic()
    hanging.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(hanging.wait(), 20) == 0
    assert time.monotonic() - began < 10
    workers.hangs.unlink()
    await workers.start()
    async with asyncio.timeout(WITHIN):
        assert await client.wait("e1") is Status.SUCCEEDED


async def test_a_second_signal_ends_the_process_at_once(workers, client, shop):
    hanging = await workers.start(limit=3600)
    workers.hangs.touch()
    await client.start(shop, 1, id="e1")
    await eventually(lambda: len(workers.lines()) == 2)
    hanging.send_signal(signal.SIGTERM)
    hanging.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(hanging.wait(), 20) == 0
    workers.hangs.unlink()
    await workers.start()
    async with asyncio.timeout(WITHIN):
        assert await client.wait("e1") is Status.SUCCEEDED


async def test_on_sqlite_the_next_process_goes_on(tmp_path, shop):
    path = tmp_path / "store.db"
    workers = Workers(str(path), tmp_path)
    try:
        async with Engine(SQLiteStore(path), concurrency=0) as engine:
            await place_orders(engine, shop)
        for _ in range(2):
            worker = await workers.start()
            await workers.after_more(100)
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 20) == 0
    finally:
        await workers.stop()
    async with Engine(SQLiteStore(path), workflows=[shop]) as engine:
        await all_succeed(engine)
    lines = workers.lines()
    assert set(Counter((what, *where) for _, what, *where in lines).values()) == {1}
    kinds = Counter(what for _, what, *_ in lines)
    assert kinds["begin"] == kinds["end"] > 0
