"""A directory for supervised processes that the application account can pass through, with proof that nothing is left.

Every process of a runtime beneath it carries the directory's path: supervisors as an argument, applications as HOME.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from euryale.cloud.host.procfs import processes
from euryale.cloud.providers.runtime.process.backoff import RestartPolicy
from euryale.cloud.providers.runtime.process.runtime import ProcessRuntime

QUICK = RestartPolicy(first=0.05, longest=0.2, well=30.0)


SYSTEM_PYTHON = Path(shutil.which("python3", path="/usr/local/bin:/usr/bin") or sys.executable).parent


class SystemPython:
    async def path_entries(self, language: str, runtime_version: str) -> tuple[Path, ...]:
        assert (language, runtime_version) == ("python", "3.11")
        return (SYSTEM_PYTHON,)


def runtime_in(root: Path, **options: object) -> ProcessRuntime:
    # runs at the same time on one machine should not look for ports in the same place
    first = 30_000 + os.getpid() % 100 * 50
    settings = {"toolchains": SystemPython(), "restart": QUICK, "ports": range(first, first + 50), **options}
    return ProcessRuntime(root / "runtime", **settings)


def processes_of(root: Path) -> list[int]:
    mark = os.fsencode(root)
    return [row.pid for row in processes() if row.pid != os.getpid() and _mentions(row.pid, mark)]


@contextmanager
def supervised_root() -> Iterator[Path]:
    """Give a directory; at the end kill what works in it and delete it. pytest's own has parents with mode 0700."""
    root = Path(tempfile.mkdtemp(prefix="euryale-run-")).resolve()
    root.chmod(0o711)
    (root / "artifact").mkdir()
    try:
        yield root
    finally:
        while left := processes_of(root):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(root)


def _mentions(pid: int, mark: bytes) -> bool:
    for file in ("cmdline", "environ"):
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/{file}").read_bytes():
                return True
    return False
