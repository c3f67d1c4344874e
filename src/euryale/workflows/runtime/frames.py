"""Where in the user's own code an error was raised."""

import sysconfig
import traceback
from pathlib import Path
from typing import Final

_ENGINE: Final = str(Path(__file__).parents[1])
_OTHERS: Final = ("<frozen ", _ENGINE, *(sysconfig.get_path(each) for each in ("stdlib", "platstdlib")))
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def user_place(error: BaseException) -> str:
    """Return ``file:line in function`` of the last frame that is of neither the engine nor a library, or "".

    The file is told from the working directory on, if it is there. No source text is told: a line may hold a secret.
    """
    for frame in reversed(traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)):
        if is_users(frame.filename):
            return f"{_from_here(frame.filename)}:{frame.lineno} in {frame.name}"
    return ""


def is_users(filename: str) -> bool:
    """Return whether a file is of neither the engine nor a library."""
    return not filename.startswith(_OTHERS) and _INSTALLED.isdisjoint(Path(filename).parts)


def _from_here(filename: str) -> str:
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the working directory is gone
        return filename
