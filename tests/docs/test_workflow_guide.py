"""The program in the guide runs as it stands there, and prints what the guide says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> str:
    return "\n\n".join(text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language)


@pytest.mark.parametrize("page", ["how-to/write-a-workflow.md", "how-to/test-workflows.md"])
def test_the_guides_program_prints_what_the_guide_says(page, tmp_path):
    program = tmp_path / "guide.py"
    program.write_text(blocks(DOCS / page, "python"), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.split() == blocks(DOCS / page, "text").split(), ran.stderr
    assert ran.returncode == 0


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("**/*workflow*.md")), *sorted((DOCS / "explanation").glob("*.md"))])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
