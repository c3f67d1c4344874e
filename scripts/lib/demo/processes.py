"""What runs beneath a directory, and ending processes that the demo began."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

import psutil

_END_WITHIN: Final = 20.0


def mentioning(directory: Path) -> list[psutil.Process]:
    """Return the processes that name a directory in their command or environment, or work in it.

    Everything that the platform starts does: supervisors and programs by an argument, applications by their ``HOME``.
    """
    mark = os.fspath(directory)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and _mentions(process, mark):
                found.append(process)
    return found


def _mentions(process: psutil.Process, mark: str) -> bool:
    if any(mark in word for word in process.cmdline()):
        return True
    with contextlib.suppress(psutil.Error):
        if any(mark in value for value in process.environ().values()):
            return True
    with contextlib.suppress(psutil.Error):
        return Path(process.cwd()).is_relative_to(mark)
    return False


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
