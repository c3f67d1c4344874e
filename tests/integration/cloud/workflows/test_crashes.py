"""The platform dies at every call of its store while a project is created; the next one goes on or undoes all."""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from euryale.cloud.home import Home
from euryale.cloud.modules.projects import NewProject, ProjectState
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.framework.container import value
from euryale.workflows import Status, Store
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import CrashingStore, KillPoint, SimulatedCrash

T = TypeVar("T")

KEY = "k"
CALLED = {"builder.create_pipeline": 1, "databases.create_project": 1, "databases.create_branch": 2, "builder.start": 1}
"""How often what is called in a run without a crash; a crash adds one at the most, which adopts what is there."""


class WatchingStore(CrashingStore):
    """Notes at which calls something outlives the process that was not there at the call before.

    Most calls only read, and to die before or after them is the same death.

    Attributes:
        points: The kill points that differ, each the first of its kind.
    """

    def __init__(self, platform: MemoryPlatform) -> None:
        home = Home.at(platform.folder / "home")
        super().__init__(SQLiteStore(home.executions))
        self._files = [sqlite3.connect(file) for file in (home.control, home.executions)]
        self._provided = platform.faults.calls
        self._seen: set[tuple[int, ...]] = set()
        self.points: list[KillPoint] = []

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        number = len(self.calls) + 1
        self._note(KillPoint(number, after=False))
        result = await super()._pass(name, call)
        self._note(KillPoint(number, after=True))
        return result

    def _note(self, point: KillPoint) -> None:
        versions = (file.execute("PRAGMA data_version").fetchone()[0] for file in self._files)
        state = (len(self._provided), *versions)
        if state not in self._seen:
            self._seen.add(state)
            self.points.append(point)

    async def close(self) -> None:
        for file in self._files:
            file.close()
        await super().close()


async def live(platform: MemoryPlatform, store: CrashingStore) -> None:
    """Be a platform that creates a project, until all has ended or it dies."""
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


async def work(running: RunningPlatform) -> None:
    execution = await running.operations.create_project(NewProject("shop", "memory:shop"), key=KEY)
    await running.engine.wait(execution)
    await running.settled()


async def find_points(folder: Path, fault: str) -> list[KillPoint]:
    platform = prepared(folder, fault)
    store = WatchingStore(platform)
    await live(platform, store)
    assert len(store.calls) > 20
    return store.points


def prepared(folder: Path, fault: str) -> MemoryPlatform:
    platform = MemoryPlatform(folder)
    platform.project("shop")
    if fault:
        platform.faults.fail(fault, PermanentError("It was made to fail."))
    return platform


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["", "runtime.ready"], ids=["that succeeds", "that is undone"])
@pytest.mark.parametrize("half", ["before", "after"])
async def test_at_every_call_of_the_store(tmp_path: Path, fault: str, half: str) -> None:
    points = await find_points(tmp_path / "whole", fault)
    for point in points:
        if point.after is not (half == "after"):
            continue
        platform = prepared(tmp_path / f"{point.call}", fault)
        store = CrashingStore(SQLiteStore(Home.at(platform.folder / "home").executions), point)
        await live(platform, store)
        crashes = int(store.crashed.is_set())
        platform.faults.alive = lambda: True
        async with asyncio.timeout(60), platform.running() as running:
            await work(running)
            await check(platform, running, fault, crashes=crashes, where=str(point))


async def check(platform: MemoryPlatform, running: RunningPlatform, fault: str, *, crashes: int, where: str) -> None:
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
