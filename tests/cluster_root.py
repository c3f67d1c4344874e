"""A directory for PostgreSQL clusters that the database account can pass through, cleared whatever a test leaves."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from euryale.cloud.providers.database.postgres.server import processes_in

MEMORY = Path("/dev/shm")
ENOUGH = 2 << 30


@contextmanager
def cluster_root(*, in_memory: bool = False) -> Iterator[Path]:
    """Give a directory; at the end kill what works in it and delete it. pytest's own has parents with mode 0700.

    Args:
        in_memory: Prefer a file system in memory, if there is one with room: clusters are made several times faster.
    """
    fast = in_memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    root = Path(tempfile.mkdtemp(prefix="euryale-clusters-", dir=MEMORY if fast else None)).resolve()
    root.chmod(0o711)
    try:
        yield root
    finally:
        while left := processes_in(root):
            for identity in left:
                with suppress(ProcessLookupError):
                    os.kill(identity.pid, signal.SIGKILL)
        shutil.rmtree(root)
