"""A platform in a process of its own, for tests; it can be told to kill itself at a boundary of its workflows."""

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from euryale.cloud.app import build, derived_settings
from euryale.cloud.home import Home
from euryale.workflows.record.states import EntryKind
from euryale.workflows.runtime.reports import ATTEMPT_STARTED, UNDO_STARTED

WATCHED = {"create-project", "deploy"}
STARTS = {ATTEMPT_STARTED, UNDO_STARTED}
BOUNDARIES = STARTS | {f"workflow.{kind.value}" for kind in EntryKind}
"""An attempt begins, or an entry of a journal is durable."""


class Boundaries:
    """Counts what becomes of the watched workflows, writes it down, and kills the process at one of them."""

    def __init__(self, file: Path | None, kill_at: str) -> None:
        self._file = file
        self._kill_at = kill_at
        self._count = 0

    def __call__(self, name: str, payload: Mapping[str, Any]) -> None:
        if payload.get("workflow") not in WATCHED or name not in BOUNDARIES:
            return
        self._count += 1
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(f"{payload['workflow']} {name.removeprefix('workflow.')} {payload.get('step', '')}\n")
        durable = name not in STARTS
        if self._kill_at == str(self._count) or (self._kill_at == "durable" and durable):
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--boundaries", type=Path)
    parser.add_argument("--kill-at", default="", help="the number of a boundary, or `durable`: the first result")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    home = Home.at(options.data)
    app = build()
    app.telemetry.attach(Boundaries(options.boundaries, options.kill_at))
    platform = {"data": home.path, "port": options.port, "http_port": options.http_port, "reconcile_every": 2.0}
    platform |= dict(each.split("=", 1) for each in options.set)
    asyncio.run(app.serve(port=options.port, overrides={"platform": platform, **derived_settings(home)}))


if __name__ == "__main__":
    main()
