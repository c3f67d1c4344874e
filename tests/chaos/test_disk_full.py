"""A disk that is really full: an error that loses nothing, and everything goes on when there is room."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections import Counter

import pytest

from euryale.workflows import Engine, ExecutionQuery, Status, StepResponse, step, workflow
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import Effects
from eventually import eventually

SIZE = 6 << 20
ROOM = 300 << 10
COUNT = 60


@pytest.fixture
def disk(tmp_path):
    """A file system of a few megabytes, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can be mounted by root alone")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk) -> None:
    """Leave little room."""
    with (disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
        ballast.write(b"\0" * max(0, shutil.disk_usage(disk).free - ROOM))


def build(effects):
    @step
    async def first(number: int) -> StepResponse[str, int]:
        await effects.do(f"first{number}")
        return StepResponse("x" * 8_000, undo=number)

    @first.compensate
    async def _(undo: int | None, *, number: int) -> None:
        await effects.undo(f"first{number}")

    @step
    async def second(text: str, number: int) -> int:
        await effects.do(f"second{number}")
        if number % 3 == 0:
            raise RuntimeError("this one fails")
        return len(text)

    @workflow("large")
    def flow(number: int) -> int:
        return second(first(number), number)

    return flow


async def begin_all(engine, flow) -> list[asyncio.Task]:
    return [asyncio.create_task(engine.start(flow, number, id=f"e{number}")) for number in range(COUNT)]


async def check(engine, effects) -> None:
    statuses = {f"e{number}": await engine.wait(f"e{number}") for number in range(COUNT)}
    expected = {f"e{n}": Status.SUCCEEDED if n % 3 else Status.REVERTED for n in range(COUNT)}
    assert statuses == expected
    assert effects.standing() >= {f"first{number}" for number in range(COUNT) if number % 3}
    assert not effects.standing() & {f"first{number}" for number in range(0, COUNT, 3)}


async def test_a_full_disk_delays_and_fails_nothing(disk, caplog):
    effects = Effects()
    flow = build(effects)
    store = SQLiteStore(disk / "store.db")
    async with Engine(store, workflows=[flow]) as engine:
        fill(disk)
        starting = await begin_all(engine, flow)
        await eventually(lambda: "The disk is full" in caplog.text)
        assert shutil.disk_usage(disk).free < ROOM
        (disk / "ballast").unlink()
        async with asyncio.timeout(30):
            await asyncio.gather(*starting)
            await check(engine, effects)
        rows = await store.list(ExecutionQuery(limit=2 * COUNT))
        assert len(rows) == COUNT
        for row in rows:
            entries = (await store.load(row.id)).entries
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert set(Counter(effects.done()).values()) == {1}, "a failure to write is no failure of the step"


async def test_what_a_process_wrote_before_the_disk_was_full_is_gone_on_with(disk, caplog):
    effects = Effects()
    flow = build(effects)
    async with Engine(SQLiteStore(disk / "store.db"), workflows=[flow]) as engine:
        fill(disk)
        starting = await begin_all(engine, flow)
        await eventually(lambda: "The disk is full" in caplog.text)
    await asyncio.gather(*starting, return_exceptions=True)
    confirmed = {f"e{number}" for number, each in enumerate(starting) if each.exception() is None}
    (disk / "ballast").unlink()
    async with Engine(SQLiteStore(disk / "store.db"), workflows=[flow]) as engine, asyncio.timeout(30):
        there = {view.id for view in await engine.list(ExecutionQuery(limit=2 * COUNT))}
        assert there >= confirmed, "whose start was confirmed is there"
        await asyncio.gather(*await begin_all(engine, flow))
        await check(engine, effects)
