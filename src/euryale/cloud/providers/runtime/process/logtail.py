"""The end of a log, for error messages."""

from pathlib import Path

_WINDOW = 16 * 1024


def last_lines(path: Path, count: int = 20) -> str:
    """Return the last ``count`` lines of the file, or of its last 16 KiB; empty if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _WINDOW))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])
