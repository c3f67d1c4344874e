"""One at a time, between tasks and between processes; a process that is killed lets go of it."""

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from euryale.cloud.host.procfs import Identity, identify

_PAUSE = 0.02
_TRIES = 10


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


@asynccontextmanager
async def occupied(path: Path) -> AsyncIterator[bool]:
    """Hold the lock on the file ``path`` if nobody has it, with who holds it written down for :func:`occupant`.

    Gives whether it is held now.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        taken = await _taken(descriptor)
        if taken:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(identify(os.getpid())).encode(), 0)
        yield taken
    finally:
        os.close(descriptor)


def occupant(path: Path) -> Identity | None:
    """Return who holds the lock that :func:`occupied` took; None if nobody does, or it is not written down yet."""
    if not held(path):
        return None
    try:
        found = Identity(*json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if found.alive() else None


async def _taken(descriptor: int) -> bool:
    """Take a lock; somebody who looks whether it is held has it for an instant."""
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        await asyncio.sleep(_PAUSE)
    return False


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
