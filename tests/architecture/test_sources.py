"""What every source file keeps to."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SOURCE = TOP / "src" / "euryale"
FILES = sorted(SOURCE.rglob("*.py"))

LONGEST_FUNCTION = 60
LONGEST_FILE = 600
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
LEFT_OPEN = ("TO" + "DO", "FIX" + "ME", "XX" + "X")


def label(path: Path) -> str:
    return str(path.relative_to(TOP))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of the signature and the body, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def test_the_sources_are_found():
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=label)
def test_a_file_is_short_and_so_are_its_functions(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE, "split it by role"
    if path.parent.name == "migrations":
        return  # a migration is a list of statements, written once
    long = {f"{each.name}, line {each.lineno}": length(each) for each in functions(ast.parse(text))}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


def test_a_file_or_folder_is_named_for_its_role():
    named = [*FILES, *(path for path in SOURCE.rglob("*") if path.is_dir())]
    assert [label(path) for path in named if path.stem.strip("_") in NAMES_THAT_SAY_NOTHING] == []


def test_nothing_is_left_open():
    texts = {path: path.read_text("utf-8") for path in SOURCE.rglob("*") if path.suffix in {".py", ".sql", ".html"}}
    assert [label(path) for path, text in texts.items() if any(word in text for word in LEFT_OPEN)] == []


def test_the_kit_needs_nothing_but_python():
    needed = {
        name.split(".")[0]
        for path in (SOURCE / "kit").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in imported(node)
    }
    assert needed - sys.stdlib_module_names == {"euryale"}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [each.name for each in node.names] if isinstance(node, ast.Import) else []


def test_imports_stand_at_the_head_of_a_file():
    inside = [
        f"{label(path)}:{node.lineno}"
        for path in FILES
        for function in functions(ast.parse(path.read_text("utf-8")))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []
