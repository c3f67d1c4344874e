"""The program that does a build, started by the platform and independent of it from then on.

Usage: ``python -m euryale.cloud.providers.builder.process.runner BUILD_DIRECTORY``
"""

import contextlib
import fcntl
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from euryale.cloud.host.account import service_account
from euryale.cloud.host.priority import lower_priority
from euryale.cloud.providers.builder.process.descendants import become_reaper, end_descendants
from euryale.cloud.providers.builder.process.execution import Execution
from euryale.cloud.providers.builder.process.layout import BuildFiles
from euryale.cloud.providers.builder.process.linking import remove_tree
from euryale.cloud.providers.builder.process.sink import LogSink
from euryale.cloud.providers.builder.process.specification import BuildResult, BuildSpec, read_value, write_value
from euryale.kit.clock import SYSTEM_CLOCK

_NICENESS_WHEN_DONE = 19
_UMASK = 0o022
_SLOT_EVERY = 0.1
_TERMINATED = 128 + signal.SIGTERM


def run_build(directory: Path) -> None:
    """Do the build in ``directory`` and leave its outcome there."""
    files = BuildFiles(directory)
    spec = read_value(files.spec, BuildSpec)
    files.spec.unlink(missing_ok=True)  # it holds secrets
    if spec is None:
        return
    with _slot(spec.slots), LogSink(files.log, spec.masked) as sink:
        execution = Execution(spec, files, service_account(spec.account), sink, SYSTEM_CLOCK)
        result = execution.run()
        _leave(files, result)
        lower_priority(os.getpid(), _NICENESS_WHEN_DONE)  # the application starts now
        _tidy(execution, result)


def _leave(files: BuildFiles, result: BuildResult) -> None:
    """Leave the outcome; where the disk has no room for it, what was built makes room."""
    try:
        write_value(files.result, result)
    except OSError as error:
        remove_tree(files.work)
        if result.state == "succeeded":
            reason = f"The build succeeded, but its outcome could not be written: {error.strerror}."
            result = replace(result, state="failed", artifact="", reason=reason)
        write_value(files.result, result)


def _tidy(execution: Execution, result: BuildResult) -> None:
    """Keep what later builds need, delete what nobody needs any more; the outcome stands, so nobody waits for this."""
    work = execution.files.work
    remove_tree(execution.files.temporary)
    execution.keep_install()
    if result.state == "succeeded":
        _keep_only(work, Path(result.artifact).parts)
    else:
        remove_tree(work)
    store = execution.store()
    store.prune(execution.spec.dependencies_budget, used=execution.install)


def _keep_only(directory: Path, parts: Sequence[str]) -> None:
    if not parts:
        return
    for entry in directory.iterdir():
        if entry.name == parts[0]:
            continue
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)
        else:
            entry.unlink()
    if not (directory / parts[0]).is_symlink():
        _keep_only(directory / parts[0], parts[1:])


@contextlib.contextmanager
def _slot(slots: Sequence[str]) -> Iterator[None]:
    """Wait until one of the lock files is free, and hold it; the kernel frees it however this process ends."""
    pause = threading.Event()
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(Path(slot).open("ab")) for slot in slots]
        while not any(_try_lock(file.fileno()) for file in files):
            pause.wait(_SLOT_EVERY)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _terminate(_number: int, _frame: FrameType | None) -> None:
    end_descendants()
    os._exit(_TERMINATED)  # without an outcome: whoever ended it knows why


def main(arguments: Sequence[str]) -> int:
    """Do the build, which the argument names."""
    become_reaper()
    signal.signal(signal.SIGTERM, _terminate)
    os.umask(_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    run_build(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
