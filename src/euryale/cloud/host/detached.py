"""Processes that outlive the platform and are recognised again after its restart."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from euryale.cloud.host.account import Account

_CREATE_TIME_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process for certain: its id, and when it was made, since ids are used again.

    Attributes:
        pid: The process id; also its session and group id when it was started by :func:`spawn`.
        created: Seconds since the epoch at which the kernel made it.
    """

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """Return the process if it is still the same one and has not ended."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # one of our own that has ended must not stay a zombie
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CREATE_TIME_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """Return whether it still runs."""
        return self.process() is not None


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the process that has ``pid`` now."""
    try:
        return ProcessIdentity(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    account: Account,
) -> ProcessIdentity:
    """Start ``command`` in a session of its own, so that it outlives the caller.

    Args:
        command: Program and arguments; no shell is involved.
        cwd: The directory it starts in.
        env: Its whole environment; nothing is inherited.
        output: The file to which its output and errors are appended.
        account: Who it runs as.

    Raises:
        OSError: If the program cannot be started.
    """
    with output.open("ab") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 -- the caller builds the words
            [os.fspath(word) for word in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            **account.popen_arguments(),
        )
    identity = identify(process.pid)
    process.returncode = 0  # whoever started it does not wait for it: no ResourceWarning at collection
    return identity or ProcessIdentity(process.pid, 0.0)


def signal_session(identity: ProcessIdentity, number: signal.Signals) -> None:
    """Send a signal to the process and all of its group; nothing happens when it is gone."""
    if identity.alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(identity.pid, number)
