"""One at a time, between tasks and between processes; a process that is killed lets go of it."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

_PAUSE = 0.02


@asynccontextmanager
async def exclusive(path: Path) -> AsyncIterator[None]:
    """Wait for, and hold, the lock on the file ``path``, which is deleted afterwards."""
    while (descriptor := _try(path)) is None:  # noqa: ASYNC110 -- another process sets no event here
        await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        _give_back(path, descriptor)


@contextmanager
def exclusive_file(path: Path) -> Iterator[int]:
    """Block until the lock on the file ``path`` is had: for a few instructions only. Gives its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def held(path: Path) -> bool:
    """Return whether somebody holds the lock on the file ``path``."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _try(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):  # its last holder may have deleted it meanwhile
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _give_back(path: Path, descriptor: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    os.close(descriptor)
