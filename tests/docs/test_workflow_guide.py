"""The programs in the guides run as they stand there, and print what the guides say."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postgres_server import postgres_server

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> str:
    return "\n\n".join(text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language)


def printed(program: Path, **environment: str) -> list[str]:
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


@pytest.mark.parametrize("page", ["how-to/write-a-workflow.md", "how-to/run-on-a-schedule.md"])
def test_the_guides_program_prints_what_the_guide_says(page, tmp_path):
    program = tmp_path / "guide.py"
    program.write_text(blocks(DOCS / page, "python"), "utf-8")
    assert printed(program) == blocks(DOCS / page, "text").split()


@pytest.fixture
def server():
    with postgres_server() as server:
        yield server


def test_the_transaction_of_the_guide_prints_what_the_guide_says(server, tmp_path):
    page, program = DOCS / "how-to/start-inside-a-transaction.md", tmp_path / "guide.py"
    program.write_text(blocks(page, "python"), "utf-8")
    assert printed(program, DATABASE_URL=server.url) == blocks(page, "text").split()


def test_the_worker_and_the_client_of_the_guide_do_what_the_guide_says(server, tmp_path):
    page = DOCS / "how-to/run-workers.md"
    worker, client = (text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == "python")
    for name, text in (("worker.py", worker), ("client.py", client)):
        (tmp_path / name).write_text(text, "utf-8")
    command, environment = [sys.executable, str(tmp_path / "worker.py")], {**os.environ, "DATABASE_URL": server.url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            assert printed(tmp_path / "client.py", DATABASE_URL=server.url) == blocks(page, "text").split()
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        finally:
            running.kill()


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("how-to/*.md")), DOCS / "explanation" / "guarantees.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
