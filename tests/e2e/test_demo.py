"""``scripts/demo``: the main job end to end on the small application, and that nothing is left after it is stopped."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

DEMO = Path(__file__).parents[2] / "scripts" / "demo"

pytestmark = pytest.mark.slow


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the account of applications can pass through; pytest's own has parents with mode 0700."""
    with tempfile.TemporaryDirectory(prefix="euryale-demo-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "demo"


@contextmanager
def demo(place: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [DEMO, "--app", "hello", "--ci", "--dir", place],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.communicate(timeout=120)


def running_in(directory: Path) -> list[str]:
    mark = str(directory)
    found = []
    for process in psutil.process_iter():
        try:
            words, variables = process.cmdline(), process.environ()
        except psutil.Error:
            continue
        if any(mark in text for text in (*words, *variables.values())) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(f"{process.pid} {' '.join(words)}")
    return found


def test_the_small_application_is_shown_from_push_to_removal(place: Path):
    with demo(place) as process:
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    for seen in (
        "GET /health: ok",
        "production says 'Hello from production', the preview 'Good morning from the branch'",
        "the preview shows the greeting that was created in production before",
        "production still shows 'Made in production'",
        "answers 404; the project has production alone",
        "the ledger holds exactly what exists",
        "What took how long",
    ):
        assert seen in output, output
    assert running_in(place) == []
    assert not place.exists()


@pytest.mark.parametrize("moment", ["euryale projects create", "build-artifact", "was created in production"])
def test_nothing_is_left_running_when_it_is_stopped(place: Path, moment: str):
    with demo(place) as process:
        assert process.stdout is not None
        printed = ""
        while moment not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        assert running_in(place) != []
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: everybody in the foreground hears of it
        rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130, printed + rest
    assert "nothing is left running" in rest
    assert running_in(place) == []


def test_a_directory_that_no_demo_made_is_left_alone(place: Path):
    place.mkdir()
    (place / "mine").write_text("precious")
    with demo(place) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no demo has made" in output
    assert (place / "mine").read_text() == "precious"
