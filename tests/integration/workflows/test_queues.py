"""Three worker processes on one PostgreSQL hold to the limits of a queue, also when one of them is killed."""

import asyncio
import contextlib
import importlib.util
import sys
from pathlib import Path

import pytest

from euryale.workflows import Engine
from euryale.workflows.stores.postgres import PostgresStore
from eventually import eventually

WORKER = Path(__file__).with_name("queue_worker.py")
COUNT = 200
WORKERS = 3


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines"
    path.touch()
    return path


@pytest.fixture
def worker(monkeypatch, lines):
    """What the workers are made of."""
    monkeypatch.setattr(sys, "argv", [str(WORKER), "", str(lines)])
    spec = importlib.util.spec_from_file_location("queue_worker", WORKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.asynccontextmanager
async def working(*arguments: str):
    """A worker process; ended at the end."""
    command = (sys.executable, str(WORKER), *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"open\n"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                raise
        await process.communicate()


def under_way(lines: Path) -> list[set[int]]:
    """Return which orders were under way, after each line. One whose worker was killed is so until another ends it."""
    now: set[int] = set()
    course = [set[int]()]
    for line in lines.read_text().splitlines():
        _, order, what = line.split()
        (now.add if what == "begins" else now.discard)(int(order))
        course.append(set(now))
    return course


async def test_no_limit_is_exceeded_while_a_worker_is_killed(server, worker, lines):
    arguments = (server.url, str(lines))
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(working(*arguments)) for _ in range(WORKERS)]
        client = await stack.enter_async_context(Engine(PostgresStore(server.url), concurrency=0, lease=5))
        orders = range(COUNT)
        await asyncio.gather(*(client.start(worker.order_flow, order, id=str(order)) for order in orders))
        await eventually(lambda: len(under_way(lines)) > COUNT // 2, within=60, every=0.002)
        workers[0].kill()
        async with asyncio.timeout(90):
            results = [await client.result(str(order)) for order in orders]
    assert results == list(orders)
    course = under_way(lines)
    assert max(map(len, course)) == worker.CONCURRENCY
    assert all(len({order % worker.KEYS for order in each}) == len(each) for each in course), "one of a key at a time"
    assert course[-1] == set()
    assert len({line.split()[0] for line in lines.read_text().splitlines()}) == WORKERS, "each had something to do"
