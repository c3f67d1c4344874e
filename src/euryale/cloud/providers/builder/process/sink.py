"""The build's log: what is written to it is masked, whatever wrote it."""

import contextlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from euryale.cloud.providers.builder.process.masking import Masker

_TAIL_KEPT = 400
_LONGEST_LINE = 64 * 1024
_LIMIT = 64 * 1024 * 1024


class LogSink:
    """Appends to a file, and keeps the last lines of what a command said.

    A disk that is full loses lines, never the build that writes them.

    Args:
        path: The file.
        masked: Values that must not get into it.
        limit: Bytes of output that it takes; the rest is left out of it.
    """

    def __init__(self, path: Path, masked: Iterable[str], *, limit: int = _LIMIT) -> None:
        self._file = path.open("ab", buffering=0)
        self._room = limit
        self._masked = tuple(masked)
        self._masker = Masker(self._masked)
        self._tail: deque[str] = deque(maxlen=_TAIL_KEPT)
        self._unfinished = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end_command()
        self._file.close()

    def note(self, text: str) -> None:
        """Write a line of the platform's own, such as the beginning of a phase."""
        masker = Masker(self._masked)
        self._write(masker.feed(f"{text}\n".encode()) + masker.finish())

    def begin_command(self) -> None:
        """Forget what the last command said."""
        self._tail.clear()
        self._unfinished = ""

    def write(self, output: bytes) -> None:
        """Write a piece of a command's output."""
        self._append(self._masker.feed(output))

    def end_command(self) -> None:
        """Write what is left of a command's output, and end its last line."""
        self._append(self._masker.finish())
        if self._unfinished:
            self._append(b"\n")

    def tail(self) -> list[str]:
        """Return the last lines that the command said, masked."""
        return [*self._tail, self._unfinished] if self._unfinished else list(self._tail)

    def _append(self, masked: bytes) -> None:
        if masked:
            self._write_within_limit(masked)
            *lines, last = (self._unfinished + masked.decode(errors="replace")).split("\n")
            self._unfinished = last[-_LONGEST_LINE:]
            self._tail.extend(line.rstrip("\r").rpartition("\r")[2] for line in lines)

    def _write_within_limit(self, masked: bytes) -> None:
        if self._room <= 0:
            return
        self._write(masked)
        self._room -= len(masked)
        if self._room <= 0:
            self._write(b"\n--- there is too much output: the rest of it is left out\n")

    def _write(self, masked: bytes) -> None:
        with contextlib.suppress(OSError):
            self._file.write(masked)
