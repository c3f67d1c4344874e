"""Run the benchmark of the workflow engine."""

import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from engine.arguments import Asked, read_arguments
from engine.bench import FULL, SMALL, Bench
from engine.contests import run_contests
from engine.machine import describe, versions
from engine.peers import Peers
from engine.progress import progress
from engine.report import as_object, as_table
from engine.trials import run_trials

_STOPPED = 130


def main() -> int:
    """Run what was asked for; return the exit code."""
    asked = read_arguments(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with tempfile.TemporaryDirectory(prefix="euryale-bench-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch)
            folder.chmod(0o755)  # PostgreSQL has an account of its own
            return _measure(asked, folder)
    except KeyboardInterrupt:
        progress("Stopped; nothing is left running.")
        return _STOPPED


def _measure(asked: Asked, folder: Path) -> int:
    began = time.monotonic()
    with Bench(folder, Peers(asked.peers), asked.keys, asked.rounds, SMALL if asked.small else FULL) as bench:
        machine = describe(bench)
        run_contests(bench)
        run_trials(bench)
        machine["load_after"] = os.getloadavg()[0]
        details = {
            "durability": "full",
            "rounds": asked.rounds,
            "sizes": asdict(bench.sizes),
            "seconds": round(time.monotonic() - began),
            "machine": machine,
            "versions": versions(bench),
        }
    if asked.json:
        print(json.dumps(as_object(bench.findings, asked.keys, details), indent=2))
    else:
        print(as_table(bench.findings, asked.keys))
    return 1 if bench.findings.failed else 0


def _stop(number: int, _: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # ending is not interrupted
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    sys.exit(main())
