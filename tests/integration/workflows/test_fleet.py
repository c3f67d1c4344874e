"""Three worker processes on one PostgreSQL are killed, stopped, cut off; nothing is lost, nothing recorded twice."""

import asyncio
import contextlib
import signal
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from euryale.workflows import Engine, ExecutionQuery
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.postgres import PostgresStore
from eventually import eventually
from shop import BEFORE, STEPS, read_stories, status_of, undoable_shop
from worker_processes import WorkerProcesses

WORKER = Path(__file__).with_name("fleet_worker.py")
COUNT = 450
RECORDED = {EntryKind.STEP_SUCCEEDED, EntryKind.UNDO_SUCCEEDED}


class Fleet(WorkerProcesses):
    """Workers of one database; in the end each must end by itself, also if it was stopped."""

    def __init__(self, url: str, effects: Path) -> None:
        super().__init__(WORKER, effects)
        self.url = url

    async def start(self) -> asyncio.subprocess.Process:
        return await super().start(self.url, str(self.effects))

    async def stop(self) -> None:
        try:
            for worker in self.all:
                if worker.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        worker.send_signal(signal.SIGCONT)
                        worker.terminate()
                    await asyncio.wait_for(worker.wait(), 20)
        finally:
            await super().stop()


@pytest.fixture
def shop():
    """The workflow that the workers know."""
    return undoable_shop(lambda *_: None)


@pytest.fixture
async def fleet(server, tmp_path):
    fleet = Fleet(server.url, tmp_path / "effects")
    try:
        yield fleet
    finally:
        await fleet.stop()


@pytest.fixture
async def client(server, shop, fleet):
    """An engine that drives nothing itself."""
    async with Engine(PostgresStore(server.url), concurrency=0, lease=5) as client:
        yield client


async def place_orders(client, shop) -> None:
    await asyncio.gather(*(client.start(shop, order, id=f"e{order}") for order in range(COUNT)))


async def statuses(client) -> dict[str, str]:
    try:
        async with asyncio.timeout(45):
            return {f"e{at}": await client.wait(f"e{at}") for at in range(COUNT)}
    except TimeoutError:
        left = [row for row in await client._store.list(ExecutionQuery(limit=10 * COUNT)) if not row.status.ended]
        raise AssertionError(f"{len(left)} have not ended: {left[:3]}") from None


ALL_ENDED = {f"e{at}": status_of(at) for at in range(COUNT)}


async def check(server, fleet, disturbances: int) -> None:
    stories = read_stories(fleet.effects)
    for at in range(COUNT):
        check_story(stories[f"e{at}"], reverted=status_of(at) == "reverted", disturbances=disturbances)
    await check_journals(server.url)


def check_story(story, *, reverted: bool, disturbances: int) -> None:
    done = [name for kind, name in story if kind == "do"]
    undone = [name for kind, name in story if kind == "undo"]
    assert all(count <= 1 + disturbances for count in Counter(story).values())
    assert all(done.index(left) < done.index(right) for left, right in BEFORE if right in done)
    if not reverted:
        assert (set(done), undone) == (STEPS, [])
    else:
        assert set(done) == set(undone) == STEPS - {"ship"}


async def check_journals(url: str) -> None:
    store = PostgresStore(url)
    await store.open()
    try:
        rows = await store.list(ExecutionQuery(limit=10 * COUNT))
        assert len(rows) == 2 * COUNT
        assert all(row.status.ended and row.owner == "" for row in rows)
        for row in rows:
            entries = (await store.load(row.id)).entries
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
            kinds = Counter((entry.kind, entry.step) for entry in entries)
            assert all(count == 1 for (kind, _), count in kinds.items() if kind in RECORDED), "recorded once"
            assert entries[-1].kind is EntryKind.FINISHED
    finally:
        await store.close()


async def test_each_of_three_is_killed_under_load_and_everything_ends(server, fleet, client, shop):
    first = [await fleet.start() for _ in range(3)]
    await place_orders(client, shop)
    successors = []
    for worker in first:
        await fleet.after_more(150)
        worker.kill()
        successors.append(asyncio.create_task(fleet.start()))
    await asyncio.gather(*successors)
    assert await statuses(client) == ALL_ENDED
    workers = {int(pid) for pid, *_ in fleet.lines()}
    assert workers >= {worker.pid for worker in first}, "each of them had something to do"
    await check(server, fleet, disturbances=3)


async def test_one_that_was_stopped_longer_than_its_lease_writes_nothing_more(server, fleet, client, shop):
    frozen = await fleet.start()
    await place_orders(client, shop)
    await fleet.after_more(50)
    frozen.send_signal(signal.SIGSTOP)
    sql = await asyncpg.connect(server.url, server_settings={"search_path": "euryale"})
    owned = await sql.fetch("SELECT id, epoch FROM executions WHERE owner LIKE $1", f"%:{frozen.pid}:%")
    assert owned
    await fleet.start()
    mine = "SELECT count(*) FROM executions WHERE owner LIKE $1"

    async def taken_over() -> bool:
        return await sql.fetchval(mine, f"%:{frozen.pid}:%") == 0

    await eventually(taken_over, within=30)
    frozen.send_signal(signal.SIGCONT)
    assert await statuses(client) == ALL_ENDED
    for execution_id, epoch in owned:
        assert await sql.fetchval("SELECT epoch FROM executions WHERE id = $1", execution_id) > epoch
    await sql.close()
    assert frozen.returncode is None, "it begins anew under another name"
    await check(server, fleet, disturbances=1)


async def test_a_server_that_restarts_under_load_delays_and_fails_nothing(server, fleet, client, shop):
    for _ in range(3):
        await fleet.start()
    await place_orders(client, shop)
    for _ in range(2):
        await fleet.after_more(200)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
    assert await statuses(client) == ALL_ENDED
    await check(server, fleet, disturbances=2)
