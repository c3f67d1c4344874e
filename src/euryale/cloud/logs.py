"""Logs of builds and instances: where they are, what is kept of them, and how they are followed."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.runtime.contract import Runtime

_LOOK_EVERY: Final = 0.25
_PIECE: Final = 64 * 1024
_TAIL_WINDOW: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A piece of a log.

    Attributes:
        data: The bytes; whole lines, unless a line is very long or the log has ended.
        next: The offset at which what follows begins.
    """

    data: bytes
    next: int


class LogBook:
    """Finds logs, also those of builds whose files are gone.

    Args:
        root: The directory for what is kept; made when something is.
        builder: Whose builds are logged.
        runtime: Whose instances are logged.
    """

    def __init__(self, root: Path, builder: Builder, runtime: Runtime) -> None:
        self._kept = root / "builds"
        self._builder = builder
        self._runtime = runtime

    async def keep(self, deployment_id: str, path: Path) -> None:
        """Keep a copy of a build's log, before the build's files are deleted; no log is no copy."""
        await asyncio.to_thread(self._copy, deployment_id, path)

    async def forget(self, *deployment_ids: str) -> None:
        """Delete what is kept for these deployments; what is gone is done."""
        for each in deployment_ids:
            await asyncio.to_thread(self._kept_path(each).unlink, missing_ok=True)

    def build_log(self, deployment_id: str, pipeline: str, build: str) -> Path:
        """Return the log of a deployment's build: the kept copy, or else the builder's; it may not exist."""
        kept = self._kept_path(deployment_id)
        return kept if kept.exists() else self._builder.log(pipeline, build)

    def runtime_log(self, app: str, instance: str) -> Path:
        """Return the log of an instance; it may not exist."""
        return self._runtime.log(app, instance)

    def _kept_path(self, deployment_id: str) -> Path:
        return self._kept / f"{Path(deployment_id).name}.log"

    def _copy(self, deployment_id: str, path: Path) -> None:
        self._kept.mkdir(parents=True, exist_ok=True)
        kept = self._kept_path(deployment_id)
        partial = kept.with_suffix(".partial")
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(path, partial)
            partial.replace(kept)


def read_piece(path: Path, offset: int, limit: int) -> LogPiece:
    """Return at most ``limit`` bytes from ``offset``; from the beginning if the file has become shorter than that."""
    try:
        with path.open("rb") as file:
            offset = offset if offset <= file.seek(0, 2) else 0
            file.seek(offset)
            data = file.read(limit)
    except FileNotFoundError:
        return LogPiece(b"", 0)
    return LogPiece(data, offset + len(data))


def tail_offset(path: Path, lines: int) -> int:
    """Return where the last ``lines`` lines begin, looking back 256 KiB at the most; 0 if there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(0, size - _TAIL_WINDOW)
            file.seek(begin)
            window = file.read(size - begin)
    except FileNotFoundError:
        return 0
    position = len(window) - window.endswith(b"\n")
    for _ in range(lines):
        position = window.rfind(b"\n", 0, position)
        if position < 0:
            return begin
    return begin + position + 1


async def follow(
    locate: Callable[[], Path],
    offset: int,
    *,
    ended: Callable[[], Awaitable[bool]],
    look_every: float = _LOOK_EVERY,
) -> AsyncGenerator[LogPiece, None]:
    """Yield what a log holds from ``offset`` on, then what is appended, until it has ended and was read to its end.

    A log that is replaced by a new one (rotation) or truncated is read to its end and then from its beginning; one
    that does not exist yet is waited for; one that is deleted while it is read is read to its end.

    Args:
        locate: Says where the log is; asked until it is there.
        offset: The byte at which to begin.
        ended: Says whether nothing more will be appended.
        look_every: Seconds between two looks.
    """
    reader = _Reader(locate, offset)
    try:
        last_look = False
        while True:
            if (piece := await asyncio.to_thread(reader.read, whole_lines=not last_look)) is not None:
                yield piece
            elif last_look:
                return
            elif await ended():
                last_look = True
            else:
                await asyncio.sleep(look_every)
    finally:
        reader.close()


class _Reader:
    """Reads a file that grows, is replaced, is truncated or vanishes."""

    def __init__(self, locate: Callable[[], Path], offset: int) -> None:
        self._locate = locate
        self._offset = offset
        self._path = Path()
        self._file: BinaryIO | None = None

    def read(self, *, whole_lines: bool) -> LogPiece | None:
        """Return what comes next, or None if there is nothing now."""
        if self._file is None and not self._open():
            return None
        piece = self._next(whole_lines=whole_lines)
        if piece is None and self._is_replaced():
            piece = self._next(whole_lines=False)  # what is left of the old one's last line
            if piece is None:
                self.close()
                self._offset = 0
                return self._next(whole_lines=whole_lines) if self._open() else None
        return piece

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        self._path = self._locate()
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return False
        self._file = file
        self._offset = self._offset if self._offset <= file.seek(0, 2) else 0
        return True

    def _next(self, *, whole_lines: bool) -> LogPiece | None:
        if self._file is None:
            return None
        self._file.seek(self._offset)
        data = self._file.read(_PIECE)
        if whole_lines and (end := data.rfind(b"\n") + 1 or len(data) * (len(data) == _PIECE)) < len(data):
            data = data[:end]
        self._offset += len(data)
        return LogPiece(data, self._offset) if data else None

    def _is_replaced(self) -> bool:
        if self._file is None:
            return False
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(self._file.fileno())
        return not os.path.samestat(found, held) or held.st_size < self._offset
