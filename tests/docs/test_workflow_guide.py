"""Each page's program runs as it stands there, and prints what the page says."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from euryale.workflows import JsonCodec
from postgres_server import postgres_server

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> str:
    return "\n\n".join(text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language)


WORKERS = DOCS / "how-to" / "run-workers.md"
"""Its two python blocks are two programs."""
PROGRAMS = [
    page for page in sorted(DOCS.rglob("*.md")) if page != WORKERS and blocks(page, "python") and blocks(page, "text")
]
"""A page that shows a program and what it prints: all its python blocks are one program, block after block."""


@pytest.fixture(scope="module")
def database_url():
    with postgres_server() as server:
        yield server.url


def test_programs_are_found():
    assert DOCS / "how-to" / "write-a-workflow.md" in PROGRAMS


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.stem)
def test_a_pages_program_prints_what_the_page_says(page, tmp_path, request):
    source = blocks(page, "python")
    needed = {"DATABASE_URL": request.getfixturevalue("database_url")} if "DATABASE_URL" in source else {}
    if "EXECUTIONS_KEY" in source:
        needed["EXECUTIONS_KEY"] = JsonCodec.new_key().reveal()
    program = tmp_path / "guide.py"
    program.write_text(source, "utf-8")
    assert printed(program, **needed) == blocks(page, "text").split()


def test_the_worker_and_the_client_do_what_the_page_says(database_url, tmp_path):
    worker, client = (text for kind, text in BLOCK.findall(WORKERS.read_text("utf-8")) if kind == "python")
    for name, text in (("worker.py", worker), ("client.py", client)):
        (tmp_path / name).write_text(text, "utf-8")
    command, environment = [sys.executable, str(tmp_path / "worker.py")], {**os.environ, "DATABASE_URL": database_url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout.readline() == "ready\n"
            assert printed(tmp_path / "client.py", DATABASE_URL=database_url) == blocks(WORKERS, "text").split()
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        finally:
            running.kill()


def printed(program: Path, **environment: str) -> list[str]:
    """Return the words that a program prints.

    Raises:
        AssertionError: If it fails.
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=program.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()
