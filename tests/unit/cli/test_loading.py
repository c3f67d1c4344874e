"""Where an application's engine is: found, or told why not and where in the application's own code."""

import asyncio
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from euryale.cli.errors import UsageError
from euryale.cli.loading import load_engine
from euryale.cli.main import app
from euryale.workflows import Engine

SHOP = """
from euryale.workflows import Engine, step, workflow
from euryale.workflows.stores.memory import MemoryStore


@step
async def send(item: str) -> str:
    return item


@workflow("place-order")
def place_order(item: str) -> str:
    return send(item)


engine = Engine(MemoryStore(), workflows=[place_order])
nothing = 7


def make() -> Engine:
    return Engine(MemoryStore())


def make_of(name: str, *, size: int) -> Engine:
    return Engine(MemoryStore())


async def awaited() -> Engine:
    return Engine(MemoryStore())


def fails() -> Engine:
    raise LookupError("no such setting")
"""
RUNS = """
import asyncio


async def main() -> None: ...


asyncio.run(main())
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch):
    """Write a module where the command is called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("attribute", ["engine", "make"])
def test_an_engine_or_what_makes_one_is_found(write, attribute):
    write("an_application", SHOP)
    assert isinstance(load_engine(f"an_application:{attribute}"), Engine)


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ("place_order", "is the workflow 'place-order', no Engine. It must be an Engine"),
        ("send", "is the step 'send', no Engine"),
        ("nothing", "is a int. It must be an Engine"),
        ("make_of", "is a function that needs name, size"),
        ("awaited", "is a coroutine function. It must be an Engine"),
        ("Engine", "is a function that needs store"),
        ("engine.", "has no attribute ''"),
        ("fails", "makes no engine: an_application.py:33 in fails: LookupError: no such setting."),
        ("missing", "cannot be found: module 'an_application' has no attribute 'missing'"),
    ],
)
def test_what_is_no_engine_is_named(write, attribute, told):
    write("an_application", SHOP)
    with pytest.raises(UsageError) as raised:
        load_engine(f"an_application:{attribute}")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nimport nosuchlib\n", "application.py:2 in <module>: ModuleNotFoundError: No module named 'nosuchlib'."),
        ("x = (\n", "application.py:1: SyntaxError: '(' was never closed."),
        ("def f():\n    return {}['key']\nf()\n", "application.py:2 in f: KeyError: 'key'."),
        ("import json\njson.loads('{')\n", "application.py:2 in <module>: JSONDecodeError"),
        ("import sys\nsys.exit(3)\n", "application.py:2 in <module>: SystemExit: 3. What a module runs belongs below"),
    ],
    ids=["missing import", "syntax", "raises", "raises in a library", "exits"],
)
def test_what_fails_inside_of_the_module_is_told_with_its_place(write, text, told):
    write("a_broken_application", text)
    with pytest.raises(UsageError, match="cannot be imported") as raised:
        load_engine("a_broken_application:engine")
    assert told in str(raised.value)


def test_a_module_that_is_not_there_is_not_found(write):
    with pytest.raises(UsageError, match="cannot be found: No module named 'nowhere_at_all'"):
        load_engine("nowhere_at_all.flows:engine")


async def test_a_program_that_runs_itself_is_to_be_guarded(write):
    write("a_program", RUNS)
    assert asyncio.get_running_loop()
    with pytest.raises(UsageError, match=r"a_program\.py:8 in <module>.*__main__"):
        load_engine("a_program:engine")


def test_executions_in_memory_are_those_of_another_process(write):
    write("an_application", SHOP)
    shown = CliRunner().invoke(app, ["executions", "list", "--app", "an_application:engine"])
    assert shown.exit_code == 2
    assert "in its own process" in shown.output
