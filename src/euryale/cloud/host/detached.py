"""Processes that outlive the platform and are recognised again after its restart."""

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from euryale.cloud.host.account import Account
from euryale.cloud.host.procfs import Identity, identify


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    account: Account,
) -> Identity:
    """Start ``command`` in a session of its own, so that it outlives the caller.

    Args:
        command: Program and arguments; no shell is involved.
        cwd: The directory it starts in.
        env: Its whole environment; nothing is inherited.
        output: The file to which its output and errors are appended.
        account: Who it runs as.

    Returns:
        Which process it is, to be written down; its id is also its session's and group's.

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
    identity = identify(
        process.pid
    )  # our own child is in the process table, if only as a zombie, until it is collected
    process.returncode = 0  # whoever started it does not wait for it: no ResourceWarning at collection
    if identity is None:
        raise ProcessLookupError(f"process {process.pid} vanished at its start")
    return identity


def runs(identity: Identity) -> bool:
    """Return whether a process runs, which may be one that this very process has started: then it leaves no zombie."""
    collect(identity.pid)
    return identity.alive()


def collect(pid: int) -> None:
    """Let the kernel forget the process ``pid`` if it is a child of this one and has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
