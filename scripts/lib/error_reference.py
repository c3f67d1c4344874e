"""Print docs/reference/errors.md, made from the error classes themselves."""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from euryale.kit.errors import EuryaleError

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "euryale"

HEAD = """\
# Errors

Made from the code by `scripts/docs`; do not edit.

Every error of Euryale is an `EuryaleError` with a `code` that programs may rely on. In an answer of the HTTP API it is
`error.code`.
"""


def error_classes() -> list[type[EuryaleError]]:
    """Return every error class of the package, by code."""
    for module in _modules_with_classes():
        importlib.import_module(module)
    found = {each for each in _descendants(EuryaleError) if each.__module__.startswith("euryale.")}
    return sorted({EuryaleError, *found}, key=lambda each: (_room(each), each.code, each.__qualname__))


def _modules_with_classes() -> Iterator[str]:
    """Name the modules that define a class; others, such as Alembic's environment, are not for importing."""
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        if any(isinstance(node, ast.ClassDef) for node in tree.body):
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _descendants(parent: type[EuryaleError]) -> Iterator[type[EuryaleError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)


def _room(error: type[EuryaleError]) -> str:
    """Return the floor and the room that define an error, such as ``cloud.buildplan``."""
    floor, *rooms = error.__module__.removeprefix("euryale.").split(".")
    return f"{floor}.{rooms[0]}" if len(rooms) > 1 else floor


def render() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(room, list(errors)) for room, errors in groupby(error_classes(), key=_room))


def _section(room: str, errors: list[type[EuryaleError]]) -> str:
    rows = [f"| `{each.code}` | `{each.__qualname__}` | {_meaning(each)} |" for each in errors]
    table = ["| code | class | what happened, and how to mend it |", "|---|---|---|", *rows]
    return f"\n## {room}\n\n" + "\n".join(table) + "\n"


def _meaning(error: type[EuryaleError]) -> str:
    """Return an error's docstring up to its first section, as the text of a table's cell."""
    text = inspect.cleandoc(vars(error).get("__doc__") or "")
    prose = text.split("\n\nAttributes:")[0].split("\n\nArgs:")[0]
    return " ".join(prose.replace("``", "`").replace("|", "\\|").split())


if __name__ == "__main__":
    sys.stdout.write(render())
