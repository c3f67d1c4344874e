"""Each page's program runs as it stands there, and prints what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postgres_server import postgres_server

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> str:
    return "\n\n".join(text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language)


PROGRAMS = [page for page in sorted(DOCS.rglob("*.md")) if blocks(page, "python") and blocks(page, "text")]
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
    program = tmp_path / "guide.py"
    program.write_text(source, "utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path,
        env={**os.environ, **needed},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.split() == blocks(page, "text").split(), ran.stderr
    assert ran.returncode == 0, ran.stderr
