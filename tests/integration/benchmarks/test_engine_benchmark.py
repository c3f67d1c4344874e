"""The engine's benchmark measures us with tiny sizes, names what could not be measured, and leaves nothing running."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

TOP = Path(__file__).parents[3]
OWN = (
    "sqlite_alone_vs_commit",
    "postgres_alone_vs_commit",
    "handoff_p50_vs_commit",
    "cost_growth",
    "recover_10k_seconds",
    "waiting_bytes",
)
UNREACHABLE = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}


@pytest.fixture
def scratch():
    """Where the benchmark writes: PostgreSQL's account has to get there, which it does not to pytest's own folders."""
    with tempfile.TemporaryDirectory(prefix="euryale-test-bench-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def start(scratch: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(TOP / "src"), str(TOP / "benchmarks")))
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "--small", "--rounds", "1", *arguments],
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(scratch), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_running(scratch: Path) -> list[str]:
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if str(scratch) in line]


def only(*keys: str) -> list[str]:
    return [word for key in keys for word in ("--only", key)]


def test_what_needs_no_peer_is_measured(scratch):
    run = start(scratch, "--json", *only(*OWN))
    output, progress = run.communicate(timeout=120)
    assert run.returncode == 0, progress
    found = json.loads(output)
    assert set(found) == {*OWN, "details"}
    assert all(found[key] > 0 for key in OWN)
    assert found["details"]["failed"] == {}
    assert set(found["details"]["figures"]) == set(OWN)
    assert list(scratch.iterdir()) == left_running(scratch) == []


def test_a_peer_that_cannot_be_had_is_named_and_takes_no_other_figure_down(scratch, tmp_path_factory):
    peers = tmp_path_factory.mktemp("peers")
    wanted = only("sqlite_alone_vs_commit", "sqlite_alone_vs_dbos")
    run = start(scratch, "--json", "--peers", str(peers), *wanted, **UNREACHABLE)
    output, _ = run.communicate(timeout=120)
    found = json.loads(output)
    assert run.returncode == 1
    assert found["sqlite_alone_vs_commit"] > 0
    assert found["sqlite_alone_vs_dbos"] is None
    assert "pip" in found["details"]["failed"]["sqlite_alone_vs_dbos"]
    assert list(peers.glob("*/complete")) == []


def test_ctrl_c_leaves_nothing_running(scratch):
    run = start(scratch, *only("handoff_p50_vs_commit"))
    assert run.stderr is not None
    assert any(line.startswith("hand-off: round 1") for line in run.stderr)
    assert left_running(scratch) != []
    run.send_signal(signal.SIGINT)
    output, progress = run.communicate(timeout=60)
    assert (run.returncode, output) == (130, "")
    assert "nothing is left running" in progress
    assert list(scratch.iterdir()) == left_running(scratch) == []
