"""Three worker processes fire one schedule, and are killed in turn: each tick fires once, and none is left out."""

import asyncio
import contextlib
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from euryale.workflows import Engine, ExecutionQuery, Status
from euryale.workflows.stores.postgres import PostgresStore
from eventually import eventually

WORKER = Path(__file__).with_name("schedule_worker.py")
PREFIX = "schedule:seconds:"


@pytest.fixture
async def start(server):
    workers = []

    async def begin():
        command = (sys.executable, str(WORKER), server.url)
        worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        workers.append(worker)
        assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"open\n"
        return worker

    yield begin
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()


async def seconds(client) -> list[int]:
    """Return which seconds have fired and are done, in order."""
    found = await client.list(ExecutionQuery(prefix=PREFIX, limit=1000))
    ended = [view for view in found if view.status is Status.SUCCEEDED]
    return sorted(int(datetime.fromisoformat(view.id.removeprefix(PREFIX)).timestamp()) for view in ended)


async def without_a_gap(client) -> list[int]:
    """Return which seconds have fired, once each until the last one is done."""
    fired = await seconds(client)
    return fired if fired == list(range(fired[0], fired[0] + len(fired))) else []


async def after_more(client, ticks: int) -> None:
    wanted = len(await seconds(client)) + ticks

    async def done() -> bool:
        return len(await seconds(client)) >= wanted

    await eventually(done, within=30, every=0.1)


async def test_each_tick_fires_once_while_workers_are_killed(server, start):
    async with Engine(PostgresStore(server.url), concurrency=0) as client:
        workers = [await start() for _ in range(3)]
        for worker in workers:
            await after_more(client, 2)
            worker.kill()
            await start()
        await after_more(client, 2)
        fired = await eventually(lambda: without_a_gap(client))
        for second in fired:
            assert await client.result(f"{PREFIX}{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}") == second
        (row,) = await client._store.scheduled()
        assert row.decided >= fired[-1]


async def test_ticks_of_a_downtime_are_caught_up(server, start):
    async with Engine(PostgresStore(server.url), concurrency=0) as client:
        worker = await start()
        await after_more(client, 1)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        before = await seconds(client)
        await start()
        await after_more(client, 3)
        assert (await eventually(lambda: without_a_gap(client)))[0] == before[0]
