"""A worker process is killed at random moments, again and again; the last one completes everything."""

import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from euryale.workflows import ExecutionQuery
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually
from shop import BEFORE, ENVIRONMENT, STEPS, read_stories, status_of

WORKER = Path(__file__).with_name("shop_worker.py")
COUNT = 150
KILLS = 6
SEED = 20261122


@pytest.fixture
def paths(tmp_path):
    effects = tmp_path / "effects"
    effects.touch()
    return tmp_path / "shop.db", effects


async def start(paths):
    arguments = (sys.executable, str(WORKER), *map(str, paths), str(COUNT))
    return await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT)


async def run_until_killed(paths, draw) -> bool:
    """Kill a worker after it had some more effects; return whether it still had something to do."""
    effects = paths[1]
    wanted = effects.read_bytes().count(b"\n") + draw.randint(1, 120)
    worker = await start(paths)
    try:
        await eventually(
            lambda: effects.read_bytes().count(b"\n") >= wanted or worker.returncode is not None, within=30, every=0.001
        )
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.communicate()
    return worker.returncode == -9


async def run_to_the_end(paths):
    worker = await start(paths)
    output, _ = await asyncio.wait_for(worker.communicate(), 60)
    assert worker.returncode == 0
    return json.loads(output)


@pytest.mark.parametrize("seed", [SEED, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10))])
async def test_nothing_is_lost_and_nothing_is_left_when_a_worker_is_killed_again_and_again(paths, seed):
    draw = random.Random(seed)
    kills = sum([await run_until_killed(paths, draw) for _ in range(KILLS)])
    assert kills >= KILLS - 2, "the workers had been done before they were killed"
    statuses = await run_to_the_end(paths)
    assert statuses == {f"e{at}": status_of(at) for at in range(COUNT)}
    stories = read_stories(paths[1])
    for at in range(COUNT):
        check_story(stories[f"e{at}"], reverted=status_of(at) == "reverted", kills=kills)
    await check_journals(paths[0])
    told = paths[1].read_bytes()
    assert await run_to_the_end(paths) == statuses
    assert paths[1].read_bytes() == told, "nothing is done after the outcome"


def check_story(story, *, reverted: bool, kills: int) -> None:
    done = [name for kind, name in story if kind == "do"]
    assert all(count <= 1 + kills for count in Counter(story).values())
    assert all(done.index(left) < done.index(right) for left, right in BEFORE if right in done)
    undone = [name for kind, name in story if kind == "undo"]
    if not reverted:
        assert (set(done), undone) == (STEPS, [])
        return
    first_undo = next(index for index, (kind, _) in enumerate(story) if kind == "undo")
    assert all(kind == "undo" for kind, _ in story[first_undo:]), "nothing is done any more once undoing has begun"
    assert set(done) == set(undone) == STEPS - {"ship"}
    assert all(undone.index(right) < undone.index(left) for left, right in BEFORE if right in undone)


async def check_journals(database: Path) -> None:
    store = SQLiteStore(database)
    await store.open()
    try:
        rows = await store.list(ExecutionQuery(limit=10 * COUNT))
        assert len(rows) == 2 * COUNT
        for row in rows:
            journal = await store.load(row.id)
            assert [entry.seq for entry in journal.entries] == list(range(1, len(journal.entries) + 1))
            kinds = Counter((entry.kind, entry.step) for entry in journal.entries)
            recorded = {EntryKind.STEP_SUCCEEDED, EntryKind.UNDO_SUCCEEDED}
            assert all(count == 1 for (kind, _), count in kinds.items() if kind in recorded)
            assert journal.entries[-1].kind is EntryKind.FINISHED
        await store.enlist("somebody", 60.0)
        assert await store.told("somebody") == {}
        assert all(row.status.ended for row in await store.list(ExecutionQuery(limit=10_000)))
    finally:
        await store.close()
