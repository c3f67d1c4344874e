"""A file of JSON lines that does not grow without end."""

import json
import threading
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path


class JsonLines:
    """Appends one JSON object a line; a full file becomes ``<name>.1``, that one ``<name>.2``, and so on.

    Safe to be used by several threads of one process. A line that a kill cut off is passed over when reading.

    Args:
        path: The file; its directory is made when missing.
        max_bytes: The size from which it is full.
        keep: How many full files are kept.
    """

    def __init__(self, path: Path, *, max_bytes: int = 4 * 1024 * 1024, keep: int = 3) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()

    def append(self, record: Mapping[str, object]) -> None:
        """Add a record.

        Raises:
            TypeError: If it holds what JSON does not know.
            OSError: If the disk does not take it.
        """
        line = json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size + len(line) > self._max_bytes:
                self._rotate()
            with self.path.open("a+b") as file:
                if file.tell() and not _ends_a_line(self.path):
                    line = b"\n" + line
                file.write(line)

    def records(self) -> list[dict[str, object]]:
        """Return what is kept, oldest first."""
        with self._lock:
            files = [file for file in [*reversed(self._full()), self.path] if file.exists()]
            lines = [line for file in files for line in file.read_bytes().splitlines()]
        return [record for record in map(_parse, lines) if record is not None]

    def _full(self) -> list[Path]:
        return [self.path.with_name(f"{self.path.name}.{number}") for number in range(1, self._keep + 1)]

    def _rotate(self) -> None:
        files = [self.path, *self._full()]
        for newer, older in reversed(list(pairwise(files))):
            if newer.exists():
                newer.replace(older)
        if not self._keep:
            self.path.unlink()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
