"""Every command explains itself, with an example, and answers in JSON if that is asked for."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from euryale.cli.main import app


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield path
    for name, each in inner.items():
        yield from commands(each, (*path, name))


ALL = sorted(commands(get_command(app)))


def test_the_commands_are_found():
    assert {("up",), ("down",), ("projects", "create"), ("logs",), ("executions", "show")} <= set(ALL)


@pytest.mark.parametrize("words", [(), *ALL], ids=" ".join)
def test_a_command_explains_itself(words: tuple[str, ...]):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"Example: euryale {' '.join(words)}".strip() in shown.output
    assert not words or "--json" in shown.output


@pytest.mark.parametrize("words", [("projects",), ("executions",), ("variables",)])
def test_a_group_without_a_command_shows_its_commands(words: tuple[str, ...]):
    shown = CliRunner().invoke(app, list(words))
    assert shown.exit_code == 2
    assert "list" in shown.output
