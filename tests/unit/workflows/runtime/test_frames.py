"""Where in the user's own code an error was raised, and that no more than that is told."""

import inspect
import json
import os
import sysconfig
from pathlib import Path

import pytest

from euryale.workflows import Engine, ExecutionReverted, step, workflow
from euryale.workflows.runtime.frames import is_users, user_place
from euryale.workflows.stores.memory import MemoryStore

HERE = Path(__file__)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(HERE.read_text().splitlines(), 1) if line.strip() == text)


@step
async def asks(answer: str) -> str:
    assert answer == "hunter2"
    return answer


@step
def parses(text: str) -> str:
    return str(json.loads(text))


@workflow("asking")
def asking(answer: str) -> str:
    return asks(answer)


@workflow("parsing")
def parsing(text: str) -> str:
    return parses(text)


@workflow("outer")
def outer(text: str) -> str:
    return parsing(text)


async def error_of(flow, value: str) -> str:
    async with Engine(MemoryStore(), workflows=[flow]) as engine:
        with pytest.raises(ExecutionReverted) as raised:
            await engine.run(flow, value, id="e")
        view = await engine.get("e")
    assert view.error is not None
    assert not view.error.where or view.error.where in str(raised.value)
    return str(raised.value)


async def test_an_error_names_the_place_and_not_what_stands_there(monkeypatch):
    monkeypatch.chdir(HERE.parent)
    line = line_of('assert answer == "hunter2"')
    told = await error_of(asking, "wrong")
    assert told.endswith(f"(test_frames.py:{line} in asks)")
    assert "assert answer" not in told


async def test_what_a_library_raises_is_told_with_the_place_that_called_it():
    assert f"test_frames.py:{line_of('return str(json.loads(text))')} in parses)" in await error_of(parsing, "{")


async def test_the_place_is_told_through_a_child():
    assert f"test_frames.py:{line_of('return str(json.loads(text))')} in parses)" in await error_of(outer, "{")


def test_a_file_elsewhere_is_told_whole(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="Expecting") as raised:
        json.loads("{")
    assert user_place(raised.value).startswith(f"{HERE}:")


def test_an_error_that_nobody_raised_has_no_place():
    assert user_place(ValueError("never raised")) == ""


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("flows.py", True),
        ("<string>", True),
        (os.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        (str(Path("lib", "site-packages", "httpx", "client.py")), False),
        (inspect.getfile(Engine), False),
        (str(Path(inspect.getfile(Engine)).parent.with_name("workflows_of_mine") / "flows.py"), True),
        (f"{sysconfig.get_path('stdlib')}-shop/flows.py", True),
    ],
)
def test_whose_code_a_file_is(filename, expected):
    assert is_users(filename) is expected
