"""Where an error was raised, and where in the user's own code."""

import os
import sysconfig
import traceback
from pathlib import Path
from typing import Final, NamedTuple

_ENGINE: Final = Path(__file__).parents[1]
_FOLDERS: Final = (_ENGINE, *(sysconfig.get_path(each) for each in ("stdlib", "platstdlib")))
_OTHERS: Final = ("<frozen ", *(f"{each}{os.sep}" for each in _FOLDERS))
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


class Place(NamedTuple):
    """A place in some code.

    Attributes:
        filename: The file.
        line: The number of the line in it.
        function: The function's name.
    """

    filename: str
    line: int
    function: str


def places(error: BaseException) -> list[Place]:
    """Return the places that an error came through, outermost first; no source is read."""
    frames = traceback.walk_tb(error.__traceback__)
    return [Place(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in frames]


def user_place(error: BaseException) -> str:
    """Return ``file:line in function`` of the last frame that is of neither the engine nor a library, or "".

    The file is told from the working directory on, if it is there. No source text is told: a line may hold a secret.
    """
    for place in reversed(places(error)):
        if is_users(place.filename):
            return f"{_from_here(place.filename)}:{place.line} in {place.function}"
    return ""


def is_users(filename: str) -> bool:
    """Return whether a file is of neither the engine nor a library."""
    return not filename.startswith(_OTHERS) and _INSTALLED.isdisjoint(Path(filename).parts)


def _from_here(filename: str) -> str:
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the working directory is gone
        return filename
