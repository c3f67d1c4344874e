"""The platform dies at every call of its store while a project is created; the next one goes on or undoes all."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest

from euryale.cloud.home import Home
from euryale.cloud.modules.projects import NewProject, ProjectState
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.framework.container import value
from euryale.workflows import Status, Store
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import CrashingStore, KillPoint, SimulatedCrash, kill_points

KEY = "k"
CALLED = {"builder.create_pipeline": 1, "databases.create_project": 1, "databases.create_branch": 2, "builder.start": 1}
"""How often what is called in a run without a crash; a crash adds one at the most, which adopts what is there."""


async def live(platform: MemoryPlatform, kill: KillPoint | None) -> CrashingStore:
    """Be a platform that creates a project, or goes on with it, until all has ended or it dies."""
    store = CrashingStore(SQLiteStore(Home.at(platform.folder / "home").executions), kill)
    platform.faults.alive = lambda: not store.crashed.is_set()
    with contextlib.suppress(SimulatedCrash):
        async with asyncio.timeout(60), platform.running(value(store, as_=Store)) as running:
            life, death = asyncio.create_task(work(running)), asyncio.create_task(store.crashed.wait())
            await asyncio.wait([life, death], return_when=asyncio.FIRST_COMPLETED)
            for task in (life, death):
                task.cancel()
            outcomes = await asyncio.gather(life, death, return_exceptions=True)
            assert store.crashed.is_set() or outcomes[0] is None, outcomes
    await store.close()
    return store


async def work(running: RunningPlatform) -> None:
    execution = await running.operations.create_project(NewProject("shop", "memory:shop"), key=KEY)
    await running.engine.wait(execution)
    await running.settled()


async def count_calls(folder: Path, fault: str) -> int:
    platform = MemoryPlatform(folder)
    prepare(platform, fault)
    return len((await live(platform, None)).calls)


def prepare(platform: MemoryPlatform, fault: str) -> None:
    platform.project("shop")
    if fault:
        platform.faults.fail(fault, PermanentError("It was made to fail."))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["", "runtime.ready"], ids=["that succeeds", "that is undone"])
@pytest.mark.parametrize("half", ["before", "after"])
async def test_at_every_call_of_the_store(tmp_path: Path, fault: str, half: str) -> None:
    calls = await count_calls(tmp_path / "whole", fault)
    assert calls > 20
    for point in kill_points(calls):
        if point.after is not (half == "after"):
            continue
        platform = MemoryPlatform(tmp_path / f"{point.call}")
        prepare(platform, fault)
        crashed = await live(platform, point)
        await live(platform, None)
        async with platform.running() as running:
            await check(platform, running, fault, crashes=int(crashed.crashed.is_set()), where=str(point))


async def check(platform: MemoryPlatform, running: RunningPlatform, fault: str, *, crashes: int, where: str) -> None:
    await running.settled()
    execution = f"create-project:shop:{KEY}"
    status = await running.engine.wait(execution)
    assert status is not Status.FAILED, (where, [each.error for each in (await running.engine.get(execution)).steps])
    project = await running.projects.get("shop")
    assert await running.differences() == (), where
    if fault:
        assert (status, project.state) == (Status.REVERTED, ProjectState.FAILED), where
        assert await platform.inventory() == frozenset(), where
        assert told(platform)["project.creation_failed"] >= 1, where
        return
    assert (status, project.state) == (Status.SUCCEEDED, ProjectState.READY), where
    assert platform.serving("shop--production") == "shop--production/web-1", where
    assert len(platform.builder.started) == 1, where
    assert len(await platform.runtime.instances("shop--production")) == 1, where
    for call, times in CALLED.items():
        assert times <= len(platform.faults.made(call)) <= times + crashes, (where, call)
    assert told(platform)["project.created"] >= 1, where


def told(platform: MemoryPlatform) -> Counter[str]:
    """Return how often what was told: a repetition has the same id, by which its receiver knows it."""
    ids = Counter(each.id for each in platform.notifier.told)
    assert max(ids.values()) <= 2
    return Counter({each.id: each.event for each in platform.notifier.told}.values())
