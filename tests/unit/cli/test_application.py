"""What the command tells of an application's executions, and what it refuses."""

import asyncio
import sys

import pytest
from typer.testing import CliRunner, Result

from euryale.cli import executions
from euryale.cli.loading import load_engine
from euryale.cli.main import app
from euryale.workflows import ExecutionReverted

SHOP = """
from euryale.workflows import Engine, Queue, step, workflow
from euryale.workflows.stores.sqlite import SQLiteStore


@step
async def send(item: str) -> str:
    if item == "broken":
        raise ValueError("not like that")
    return f"sent {item}"


@workflow("place-order", queue=Queue("orders"))
def place_order(item: str) -> str:
    return send(item)


def engine() -> Engine:
    return Engine(SQLiteStore("shop.db"), workflows=[place_order])


def client() -> Engine:
    return Engine(SQLiteStore("shop.db"), workflows=[place_order], concurrency=0)
"""


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    """An application where the command is called: one order is done, one has failed, one is not begun."""
    (tmp_path / "the_shop.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    async def sell() -> None:
        async with load_engine("the_shop:engine") as engine:
            place_order = engine.workflow("place-order")
            await engine.run(place_order, "tea", id="done")
            with pytest.raises(ExecutionReverted):
                await engine.run(place_order, "broken", id="undone")
        async with load_engine("the_shop:client") as client:
            await client.start(place_order, "cup", id="waiting", queue=None)

    asyncio.run(sell())
    yield
    del sys.modules["the_shop"]


def euryale(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--app", "the_shop:engine"], env={"COLUMNS": "200"})


def test_an_execution_is_shown_with_what_went_in_and_what_came_out():
    shown = euryale("executions", "show", "done").output.splitlines()
    assert 'input     "tea"' in shown
    assert 'result    "sent tea"' in shown


def test_an_execution_that_failed_is_shown_with_the_place_in_the_users_own_code():
    shown = euryale("executions", "show", "undone").output
    assert "raised at  the_shop.py:9 in send" in shown
    assert "failure.py" not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workflow", "nope"), "knows no workflow 'nope', and has no executions of it.\n  Known: place-order."),
        (("--queue", "nope"), "knows no queue 'nope', and has no executions of it.\n  Known: orders."),
    ],
    ids=["workflow", "queue"],
)
def test_a_list_of_what_is_not_known_is_no_empty_list(words, told):
    listed = euryale("executions", "list", *words)
    assert listed.exit_code == 2
    assert told in listed.output


def test_a_list_of_what_is_known_may_be_empty():
    listed = euryale("executions", "list", "--workflow", "place-order", "--status", "failed")
    assert (listed.exit_code, listed.output) == (0, "There are no executions.\n")
    assert "done" in euryale("executions", "list", "--queue", "orders").output


def test_nobody_is_told_that_an_ended_one_is_only_watched():
    assert "only watches" not in euryale("executions", "watch", "done").output


@pytest.mark.parametrize(
    "words", [("watch", "waiting"), ("show", "waiting", "--follow"), ("watch", "waiting", "--json")]
)
def test_whoever_watches_what_goes_on_is_told_that_this_does_not_drive_it(monkeypatch, words):
    async def until_its_end(source, execution, **_: object):
        assert execution == "waiting"
        return await source.execution("done")

    monkeypatch.setattr(executions, "wait_for", until_its_end)
    watched = euryale("executions", *words)
    assert watched.exit_code == 0, watched.output
    notice = "waiting goes on as long as a process of the application drives it; this one only watches.\n"
    assert watched.stderr == notice
    assert "only watches" not in watched.stdout, "a program reads that"


@pytest.mark.parametrize("name", ["order.png", "order.txt", "order"])
def test_a_file_whose_name_says_no_format_is_not_written(tmp_path, name):
    refused = euryale("workflows", "graph", "place-order", "-o", name)
    assert refused.exit_code == 2
    assert ".svg, .json, .mmd, .mermaid, or say --format" in refused.output
    assert not (tmp_path / name).exists()
    assert euryale("workflows", "graph", "place-order", "-o", name, "--format", "mermaid").exit_code == 0
    assert (tmp_path / name).read_text().startswith("---")


def test_whoever_breaks_a_retry_off_is_told_how_it_goes_on(monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(executions, "retry_in_application", interrupted)
    broken_off = euryale("executions", "retry", "undone")
    assert broken_off.exit_code == 130
    assert "undone is not undone yet: it goes on when a worker of the application opens the store" in broken_off.output


def test_what_has_ended_for_good_is_not_retried():
    refused = euryale("executions", "retry", "undone")
    assert refused.exit_code == 1
    assert "only a failed or stranded execution can be retried" in refused.output


def test_one_that_is_done_again_is_named_and_waits_for_a_worker():
    again = euryale("executions", "rerun", "done", "--id", "once-more")
    assert (again.exit_code, again.output) == (
        0,
        "It is once-more. Follow it: euryale executions watch once-more\n",
    )
    shown = euryale("executions", "show", "once-more").output.splitlines()
    assert 'input     "tea"' in shown
    assert "origin    re-run of done" in shown
    assert "status    pending" in shown
    assert euryale("executions", "rerun", "done", "--id", "undone").exit_code == 1
    assert "No execution 'nope'" in euryale("executions", "rerun", "nope").output
