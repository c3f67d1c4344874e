"""An append-only log with secrets masked and a bounded size."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

REDACTED = "[redacted]"  # as in euryale.kit.secret, whose import of a TLS library every supervisor would pay for
_LIMIT = 10 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


class LogFile:
    """Appends whole lines to ``path``; when that has reached ``limit`` it becomes ``path.1`` and begins anew.

    A disk that is full loses lines, never the process that writes them.

    Args:
        path: The file.
        masks: What is replaced by ``[redacted]``, longest first; none holds a line break.
        limit: Bytes.
    """

    def __init__(self, path: Path, masks: Iterable[str], limit: int = _LIMIT) -> None:
        self._path = path
        self._masks = [mask.encode() for mask in masks]
        self._held_back = max((len(mask) for mask in self._masks), default=1) - 1
        self._limit = limit
        self._partial = b""

    def write(self, data: bytes) -> None:
        """Take a piece of output; what follows its last line break waits for the rest of the line."""
        lines, newline, self._partial = (self._partial + data).rpartition(b"\n")
        self._append(lines + newline)
        if len(self._partial) > _LONGEST_LINE:
            self._append_overlong()

    def note(self, text: str) -> None:
        """Append a line of the platform's own."""
        self.flush()
        self._append(f"[euryale] {text}\n".encode())

    def flush(self) -> None:
        """Append what is left of a line without an end."""
        if self._partial:
            self._append(self._partial + b"\n")
            self._partial = b""

    def _append_overlong(self) -> None:
        masked = self._mask(self._partial)
        cut = len(masked) - self._held_back  # the rest may be the beginning of a secret
        self._append(masked[:cut])
        self._partial = masked[cut:]

    def _append(self, data: bytes) -> None:
        if not data:
            return
        with suppress(OSError):
            self._make_way()
            with self._path.open("ab", buffering=0) as file:
                file.write(self._mask(data))

    def _make_way(self) -> None:
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= self._limit:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))

    def _mask(self, data: bytes) -> bytes:
        for mask in self._masks:
            data = data.replace(mask, REDACTED.encode())
        return data
