"""The directory of the demo."""

import shutil
from pathlib import Path
from typing import Final

from demo.failures import DemoError
from demo.repository import TOP
from euryale.cloud.host.account import service_account
from euryale.cloud.host.reach import barrier
from euryale.cloud.host.spreading import make_apart

_ELSEWHERE: Final = Path("/var/lib/euryale-demo")
_MARK: Final = "made-by-the-demo"


def find_place(chosen: Path | None) -> Path:
    """Return the demo's directory, which it may delete.

    By default it is ``.euryale/demo`` in the checkout, or a place elsewhere if applications could not get there: a
    platform that runs as root gives builds and applications an account of their own, which cannot pass through a
    private home, such as root's.

    Args:
        chosen: A directory for it; None for the default.

    Raises:
        DemoError: If there is something that no demo has made.
    """
    place = chosen.absolute() if chosen is not None else _usual()
    if place.exists() and not (place / _MARK).is_file() and any(place.iterdir()):
        raise DemoError(f"{place} holds something that no demo has made; it would be deleted")
    return place


def data_of(place: Path) -> Path:
    """Return where the platform keeps its data."""
    return place / "platform"


def make_place(place: Path) -> None:
    """Make the demo's directory, with a mark that says whose it is, and the platform's in it."""
    place.mkdir(parents=True, exist_ok=True)
    (place / _MARK).touch()
    make_apart(data_of(place))


def clear(place: Path) -> None:
    """Delete what an earlier demo left."""
    shutil.rmtree(place, ignore_errors=True)


def _usual() -> Path:
    if barrier(TOP, service_account("euryale-app")) is None:
        return TOP / ".euryale" / "demo"
    return _ELSEWHERE
