"""The command with a library user's own application: its executions in a SQLite file, which a process may own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import euryale
from eventually import eventually
from git_repository import GIT_ENV

SOURCE = str(Path(euryale.__file__).parents[1])
EURYALE = Path(sys.executable).with_name("euryale")
APP = ("--app", "shop.flows:engine")
FLOWS = '''
import pathlib

from euryale.workflows import Engine, Retry, parallelize, step, wait_for, workflow, Signal
from euryale.workflows.stores.sqlite import SQLiteStore

BROKEN = pathlib.Path("broken")
approved = Signal("approved", bool)


@step
async def reserve(item: str) -> str:
    return f"reserved {item}"


@reserve.compensate(retry=Retry(max_attempts=1))
async def _(text: str | None) -> None:
    if BROKEN.exists():
        raise RuntimeError("the store room is closed")


@step
async def charge(item: str) -> str:
    return f"charged {item}"


@step
async def ship(item: str) -> str:
    if BROKEN.exists():
        raise RuntimeError("no lorry")
    return f"shipped {item}"


@workflow("order")
def order(item: str) -> str:
    """Sells one thing."""
    parallelize(reserve(item), charge(item))
    return ship(item)


@workflow("approval")
def approval(item: str) -> str:
    reserve(item)
    wait_for(approved)
    return ship(item)


def engine() -> Engine:
    return Engine(SQLiteStore("shop.db"), workflows=[order, approval])


nothing = 7
'''
RUN = """
import asyncio, sys
from shop.flows import approval, engine, order

async def main() -> None:
    async with engine() as shop:
        for at, item in enumerate(sys.argv[1:]):
            await shop.wait((await shop.start(order, item, id=f"{item}-{at}")).id)
        await shop.start(approval, "lamp", id="waiting")
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = folder / "shop"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "flows.py").write_text(FLOWS)
        (folder / "home").mkdir()
        home = str(folder / "home")
        self.env = {**GIT_ENV, "HOME": home, "XDG_CONFIG_HOME": home, "COLUMNS": "200", "PYTHONPATH": SOURCE}

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            EURYALE, *words, cwd=self.folder, env=self.env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *words: str, code: int = 0) -> str:
        process = await self.start(*words)
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert b"Traceback" not in err, err.decode()
        assert process.returncode == code, (out.decode(), err.decode())
        return out.decode() if code == 0 else err.decode()

    async def json(self, *words: str) -> Any:
        return json.loads(await self.run(*words, "--json"))

    @asynccontextmanager
    async def running(self, *items: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the application: it owns the store, has sold these items, and one execution waits."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, *items, cwd=self.folder, env=self.env, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                assert await process.stdout.readline() == b"ready\n"
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_who_looks_needs_not_own_the_store(shop: Shop):
    async with shop.running("chair", "table"):
        listed = (await shop.json("executions", "list", *APP))["executions"]
        assert [each["id"] for each in listed] == ["waiting", "table-1", "chair-0"]
        assert [each["status"] for each in listed][1:] == ["succeeded", "succeeded"]
        only = (await shop.json("executions", "list", *APP, "--workflow", "order", "--limit", "1"))["executions"]
        assert [each["id"] for each in only] == ["table-1"]
        older = (await shop.json("executions", "list", *APP, "--before", "table-1"))["executions"]
        assert [each["id"] for each in older] == ["chair-0"]
        succeeded = (await shop.json("executions", "list", *APP, "--status", "succeeded"))["executions"]
        assert len(succeeded) == 2
        shown = await shop.json("executions", "show", "chair-0", *APP)
        (attempt,) = next(each for each in shown["history"]["nodes"] if each["id"] == "ship")["attempts"]
        assert (attempt["input"], attempt["output"]) == ({"item": "chair"}, "shipped chair")
        assert attempt["worker"]
        table = await shop.run("executions", "show", "chair-0", *APP)
        assert '"shipped chair"' in table
        assert "execution.finished" in table
        assert "Older ones: --before table-1" in await shop.run("executions", "list", *APP, "--limit", "2")


async def test_who_changes_something_is_told_who_owns_the_store(shop: Shop):
    async with shop.running() as owner:
        for words in (
            ("cancel", "waiting"),
            ("retry", "waiting"),
            ("fork", "waiting", "--from", "ship"),
            ("rerun", "waiting"),
        ):
            told = await shop.run("executions", *words, *APP, code=1)
            assert f"held by process {owner.pid}" in told
            assert "workflows.store_locked" in told


async def test_watching_shows_what_another_process_does(shop: Shop):
    async with shop.running("chair"):
        process = await shop.start("executions", "watch", "waiting", *APP)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            first = await process.stdout.readline()
        assert "reserve" in first.decode()
        process.kill()
        _, told = await process.communicate()
        assert "waiting goes on as long as a process of the application drives it" in told.decode()
        assert "✔ order / ship" in await shop.run("executions", "watch", "chair-0", *APP)


async def test_what_is_asked_for_while_nobody_runs_is_done_by_the_next_who_does(shop: Shop):
    async with shop.running("chair"):
        pass
    assert (await shop.json("executions", "cancel", "waiting", *APP)) == {"accepted": True}
    forked = await shop.json("executions", "fork", "chair-0", "--from", "ship", "--id", "again", *APP)
    assert forked == {"execution": "again"}
    assert (await shop.json("executions", "show", "again", *APP))["execution"]["status"] == "pending"
    rerun = await shop.json("executions", "rerun", "chair-0", "--id", "anew", *APP)
    assert rerun == {"execution": "anew"}
    async with shop.running():

        async def done() -> bool:
            listed = (await shop.json("executions", "list", *APP))["executions"]
            return {each["id"]: each["status"] for each in listed}.items() >= {
                "waiting": "reverted",
                "again": "succeeded",
                "anew": "succeeded",
            }.items()

        await eventually(done, within=30)
        history = (await shop.json("executions", "show", "again", *APP))["history"]
        assert [each["adopted"] for each in history["nodes"]] == [True, True, False]
        anew = await shop.json("executions", "show", "anew", *APP)
        assert [each["adopted"] for each in anew["history"]["nodes"]] == [False, False, False]
        assert anew["execution"]["origin"] == {"execution": "chair-0", "step": ""}


async def test_what_could_not_be_undone_is_tried_again(shop: Shop):
    (shop.folder / "broken").touch()
    async with shop.running("chair"):
        told = await shop.run("executions", "watch", "chair-0", *APP, code=1)
        assert "executions retry chair-0" in told
    (shop.folder / "broken").unlink()
    assert "No execution 'nope'" in await shop.run("executions", "retry", "nope", *APP, code=1)
    retried = await shop.run("executions", "retry", "chair-0", *APP)
    assert retried.startswith("It is tried again. If this is broken off, it goes on when a worker")
    assert "↶ order / reserve: undone" in retried
    assert retried.endswith("What had been done is undone.\n")
    assert (await shop.json("executions", "show", "waiting", *APP))["execution"]["status"] == "waiting"
    shown = await shop.json("executions", "show", "chair-0", *APP)
    assert shown["execution"]["status"] == "reverted"
    reserved = next(each for each in shown["history"]["nodes"] if each["id"] == "reserve")
    assert [each["outcome"] for each in reserved["undo_attempts"]] == ["failed", "succeeded"]
    assert len({each["worker"] for each in shown["history"]["workers"]}) == 2


async def test_workflows_are_listed_and_drawn(shop: Shop):
    listed = (await shop.json("workflows", "list", *APP))["workflows"]
    assert listed[1] == {"name": "order", "version": 1, "title": "Sells one thing."}
    assert "flowchart TD" in await shop.run("workflows", "graph", "order", *APP)
    async with shop.running("chair"):
        await shop.run("workflows", "graph", "order", *APP, "--execution", "chair-0", "-o", "order.svg")
        drawn = await shop.json("workflows", "graph", "order", *APP, "--execution", "chair-0", "--format", "json")
    assert {node["state"] for node in json.loads(drawn["graph"])["body"]} >= {"succeeded"}
    titles = [each.text for each in ET.parse(shop.folder / "order.svg").iter("{http://www.w3.org/2000/svg}title")]
    assert "ship: step · succeeded" in titles


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("executions", "list", "--app", "shop.flows"), 2, "MODULE:ENGINE"),
        (("executions", "list", "--app", "nowhere:engine"), 2, "No module named 'nowhere'"),
        (("executions", "list", "--app", "shop.flows:nothing"), 2, "is a int"),
        (("executions", "list", "--app", "shop.flows:order"), 2, "is the workflow 'order', no Engine"),
        (("executions", "list", *APP), 1, "There is no store shop.db"),
        (("workflows", "graph", "order", *APP, "--format", "png"), 2, "Known are: svg, mermaid, json"),
    ],
    ids=["no engine", "no module", "no engine there", "a workflow", "no store", "no format"],
)
async def test_what_cannot_work_is_explained(shop: Shop, words: tuple[str, ...], code: int, told: str):
    assert told in await shop.run(*words, code=code)
