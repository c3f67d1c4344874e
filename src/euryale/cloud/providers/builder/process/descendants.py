"""Finding and ending every process of a build, however it hides: from within, as their reaper, and from without."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

import psutil

from euryale.cloud.host.detached import collect
from euryale.cloud.host.procfs import Identity, carries, processes

MARK = "EURYALE_BUILD_DIRECTORY"

_PR_SET_CHILD_SUBREAPER = 36
_REAP_SECONDS = 1.0
_ROUNDS = 50
_PAUSE = 0.1


def become_reaper() -> None:
    """Let every orphan below this process become its child, so that none can get away by leaving its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill every process below this one, again and again until there is none."""
    me = psutil.Process()
    for _ in range(_ROUNDS):
        children = me.children(recursive=True)
        if not children:
            return
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=_REAP_SECONDS)


def marked_processes(directory: Path) -> list[Identity]:
    """Return the processes of the build in ``directory``: the runner, and what inherited its mark."""
    mark = os.fsencode(f"{MARK}={directory}")
    return [row.identity for row in processes() if row.pid != os.getpid() and carries(row.pid, mark)]


def end_marked(directory: Path) -> None:
    """Kill the processes of the build in ``directory``, again and again until there is none."""
    pause = threading.Event()
    for _ in range(_ROUNDS):
        left = marked_processes(directory)
        if not left:
            return
        for identity in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity.pid, signal.SIGKILL)
        pause.wait(_PAUSE)
        for identity in left:
            collect(identity.pid)
