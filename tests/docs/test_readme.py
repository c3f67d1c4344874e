"""What the README shows is real."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_runs_and_a_second_time_does_nothing_twice(tmp_path):
    (example,) = EXAMPLES
    assert run(example, tmp_path) == "postgres://db/shop\n"
    assert run(example, tmp_path) == "postgres://db/shop\n"
    assert run(f"{example}print(databases)", tmp_path).endswith("set()\n"), "no step ran again"


def test_the_example_is_undone_when_a_step_fails_for_good(tmp_path):
    (example,) = EXAMPLES
    failing = example.replace('return f"pipeline of {project}"', 'raise RuntimeError("the pipelines are down")')
    assert failing != example
    strict = failing.replace("databases.discard(", "databases.remove(")  # raises unless the database was there
    assert strict != failing
    watched = strict.replace(
        "    asyncio.run(main())",
        "    try:\n        asyncio.run(main())\n    except Exception as e:\n        print(type(e).__name__, databases)",
    )
    assert run(watched, tmp_path) == "ExecutionReverted set()\n"


@pytest.mark.parametrize("page", sorted((*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md"))), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
