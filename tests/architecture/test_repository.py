"""What every file of the repository keeps to."""

import ast
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SCRIPTS = sorted(path for path in (TOP / "scripts").iterdir() if path.is_file())
TESTS = sorted((TOP / "tests").rglob("*.py"))

# put together here, so that this file does not hold what it looks for
FOREIGN = re.compile(
    "|".join(
        (
            r"registry\.np" + "mjs",
            r"registry\.yarn" + "pkg",
            r"files\.python" + "hosted",
            r"py" + r"pi\.org",
            r"deb\.deb" + r"ian\.org",
            r"(?<![\w})])/ro" + "ot/",  # not a folder of that name inside of another
            r"(?<![\w})])/wo" + "rk/",
        )
    )
)
BOUNDED_POLL = TOP / "tests" / "eventually.py"


def repository_files() -> list[Path]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listed, cwd=TOP, check=True, capture_output=True, text=True).stdout
    return [path for name in output.split("\0") if name and (path := TOP / name).is_file()]


def test_no_file_names_a_package_index_or_a_path_of_one_machine():
    files = repository_files()
    assert len(files) > 200
    found = [
        f"{path.relative_to(TOP)}:{number}: {line.strip()[:80]}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert found == []


def sleeps(path: Path) -> list[str]:
    """Say where a file calls a ``sleep`` of Python's; a program that a test starts may do so, to be killed in it."""
    tree = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    imported = {
        alias.asname or alias.name
        for node in tree
        if isinstance(node, ast.ImportFrom) and node.module in {"asyncio", "time"}
        for alias in node.names
    }
    calls = [(node.lineno, ast.unparse(node.func)) for node in tree if isinstance(node, ast.Call)]
    return [
        f"{path.relative_to(TOP)}:{line}"
        for line, name in calls
        if name in {"asyncio.sleep", "time.sleep"} or (name == "sleep" and name in imported)
    ]


def test_tests_wait_for_events_and_never_for_time():
    assert len(sleeps(BOUNDED_POLL)) == 1
    assert [line for path in TESTS if path not in {BOUNDED_POLL, Path(__file__)} for line in sleeps(path)] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_explains_itself_from_anywhere(script, tmp_path):
    assert os.access(script, os.X_OK)
    shown = subprocess.run([script, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"Usage: scripts/{script.name}")
    assert re.search(rf"^Example:\n(.*\n)*?.*scripts/{script.name}", shown.stdout, re.MULTILINE)
    assert shown.stderr == ""


@pytest.mark.parametrize(("lock", "least"), [("dev.txt", 50), ("bench.txt", 10)])
def test_the_lock_pins_everything_by_hash(lock, least):
    text = (TOP / "requirements" / lock).read_text("utf-8")
    pinned = re.findall(r"^[a-z][^\n]*==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
    named = re.findall(r"^[a-z0-9][^\n]*", text, re.MULTILINE)
    assert len(pinned) == len(named) > least
    assert "://" not in text


def test_the_lock_of_node_pins_everything_by_hash():
    text = (TOP / "benchmarks" / "engine" / "medusa" / "package-lock.json").read_text("utf-8")
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert '"resolved"' not in text


def test_ci_runs_what_a_person_runs():
    lines = (TOP / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("scripts/")] == ["scripts/check", "scripts/test"]
    assert os.access(TOP / ".ci" / "run", os.X_OK)
