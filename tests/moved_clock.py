"""The wall clock of worker processes, which a test sets forth and back: theirs alone, not their monotonic one."""

import importlib.util
import os
from pathlib import Path


class WallClock:
    """A wall clock that differs from the machine's.

    Args:
        file: Where the difference is kept; the processes read it once a second.

    Attributes:
        ahead: By how many seconds it differs; negative: it is behind.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0.0)

    def set(self, ahead: float) -> None:
        """Let it differ by so many seconds from the next second on."""
        self.ahead = ahead
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead:+f}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that has this clock."""
        return {
            **os.environ,
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # each time would be slow, and the GIL's waits ask for it
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def _library() -> Path:
    spec = importlib.util.find_spec("libfaketime")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
