"""Beginning, watching and ending one build from without, by nothing but its files and its processes."""

import contextlib
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from euryale.cloud.host.account import Account, own_account
from euryale.cloud.host.detached import runs, spawn
from euryale.cloud.host.procfs import Identity
from euryale.cloud.host.spreading import make_apart
from euryale.cloud.providers.builder.contract import BuildLostError, BuildStatus
from euryale.cloud.providers.builder.process.descendants import MARK, end_marked
from euryale.cloud.providers.builder.process.layout import BuildFiles
from euryale.cloud.providers.builder.process.linking import Owner, own_tree, remove_tree
from euryale.cloud.providers.builder.process.specification import (
    BuildResult,
    BuildSpec,
    BuildState,
    read_value,
    write_value,
)
from euryale.cloud.providers.errors import GoneError

_RUNNER = "euryale.cloud.providers.builder.process.runner"
_PASSABLE = 0o711
_GROUP_ONLY = 0o750
_GRACE_LOOKS = 100
_LOOK_EVERY = 0.05


def begin(files: BuildFiles, source: Path, spec: BuildSpec, account: Account) -> None:
    """Check the source out and start the runner. What an earlier, lost attempt left is ended and deleted before.

    Raises:
        OSError: If the disk or the process table is full.
    """
    _clear(files)
    _check_out(source, files.work, account)
    _make_temporary(files.temporary, account)
    write_value(files.spec, spec)
    files.log.touch(mode=0o600)
    identity = spawn(
        [sys.executable, "-P", "-m", _RUNNER, files.directory],
        cwd=files.directory,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", MARK: str(files.directory)},
        output=files.log,
        account=own_account(),
    )
    write_value(files.runner, identity)


def stands(files: BuildFiles) -> bool:
    """Return whether the build runs or has an outcome, so that there is nothing to begin."""
    return not files.ending.exists() and (files.result.exists() or _runs(files))


def look(files: BuildFiles) -> BuildStatus:
    """Return where the build stands.

    Raises:
        GoneError: If there is none, or it is being deleted.
        BuildLostError: If it does not run, and left no outcome.
    """
    _require(files)
    running = _runs(files)  # before the outcome: one that ends in between has left it then
    result = read_value(files.result, BuildResult)
    if result is not None:
        artifact = files.work / result.artifact if result.state == "succeeded" else None
        return BuildStatus(result.state, result.phase, artifact, result.reason)
    if running:
        state = read_value(files.state, BuildState)
        return BuildStatus("running", state.phase if state else "queued")
    _require(files)  # it may have gone while this looked
    raise BuildLostError(f"The build {files.directory.name} ended without an outcome.")


def end(files: BuildFiles) -> None:
    """End the build with all of its processes, and delete its files; what is gone is done."""
    if files.directory.is_dir():
        files.ending.touch()  # first: half a deletion must pass neither for an outcome nor for a lost build
        _end_processes(files)
        remove_tree(files.temporary)
        remove_tree(files.work)
        remove_tree(files.directory)


def _require(files: BuildFiles) -> None:
    if files.ending.exists() or not files.directory.is_dir():
        raise GoneError(f"There is no build {files.directory.name!r}.")


def _runs(files: BuildFiles) -> bool:
    identity = read_value(files.runner, Identity)
    return identity is not None and runs(identity)


def _end_processes(files: BuildFiles) -> None:
    """Ask the runner to end what it started, which it knows best; then kill whatever still bears the build's mark."""
    identity = read_value(files.runner, Identity)
    if identity is not None and runs(identity):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGTERM)
        pause = threading.Event()
        for _ in range(_GRACE_LOOKS):
            if not runs(identity):
                break
            pause.wait(_LOOK_EVERY)
    end_marked(files.directory)


def _clear(files: BuildFiles) -> None:
    make_apart(files.directory)
    files.directory.chmod(_PASSABLE)
    end_marked(files.directory)
    for leftover in (files.result, files.runner, files.state, files.spec, files.ending):
        leftover.unlink(missing_ok=True)
    remove_tree(files.temporary)
    remove_tree(files.work)


def _make_temporary(directory: Path, account: Account) -> None:
    directory.parent.mkdir(exist_ok=True)
    directory.parent.chmod(_PASSABLE)
    directory.mkdir(mode=0o700)
    account.own(directory)


def _check_out(source: Path, work: Path, account: Account) -> None:
    def without_history(directory: str, names: list[str]) -> list[str]:
        return [".git"] if Path(directory) == source and ".git" in names else []

    shutil.copytree(source, work, symlinks=True, ignore=without_history)
    work.chmod(_GROUP_ONLY)
    own_tree(work, Owner(account.uid, account.gid))
