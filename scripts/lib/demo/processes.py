"""What runs beneath a directory, and ending processes that the demo began."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

import psutil

_END_WITHIN: Final = 20.0


def started_in(data: Path) -> list[psutil.Process]:
    """Return the processes that a platform started: detached ones that have to do with something in its directory.

    Supervisors and programs name it as an argument, applications have their ``HOME`` there. Somebody who looks at a log
    there has a terminal, and whoever called this program is no child of the platform.
    """
    mark = f"{data}{os.sep}"
    callers = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in callers and _is_detached(process) and _mentions(process, mark):
                found.append(process)
    return found


def _is_detached(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE and process.terminal() is None


def _mentions(process: psutil.Process, mark: str) -> bool:
    return any(mark in word for word in process.cmdline()) or process.environ().get("HOME", "").startswith(mark)


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill processes, by their ids, and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=_END_WITHIN)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads a group of its own, with that group: asked first, killed if it does not listen."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_WITHIN)
            return


def tail(log: Path, lines: int = 30) -> str:
    """Return the last lines of a log; nothing if there is none."""
    try:
        return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
