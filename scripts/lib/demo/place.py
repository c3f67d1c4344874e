"""Where the demo's platform keeps its data."""

import shutil
from pathlib import Path
from typing import Final

from demo.failures import DemoError
from demo.repository import TOP
from euryale.cloud.host.account import service_account
from euryale.cloud.host.reach import barrier

_ELSEWHERE: Final = Path("/var/lib/euryale-demo")
_MARK: Final = "made-by-the-demo"


def data_directory(chosen: Path | None) -> Path:
    """Return where the platform keeps its data; the demo may delete it.

    By default it is ``.euryale/demo`` in the checkout, or a place elsewhere if applications could not get there: a
    platform that runs as root gives builds and applications an account of their own, which cannot pass through a
    private home, such as root's.

    Args:
        chosen: A directory for it; None for the default.

    Raises:
        DemoError: If there is something that no demo has made.
    """
    data = chosen.absolute() if chosen is not None else _usual()
    if data.exists() and not (data / _MARK).is_file() and any(data.iterdir()):
        raise DemoError(f"{data} holds something that no demo has made; it would be deleted")
    return data


def make_data_directory(data: Path) -> None:
    """Make the directory, with a mark that says whose it is."""
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARK).touch()


def clear(data: Path) -> None:
    """Delete what an earlier demo left."""
    shutil.rmtree(data, ignore_errors=True)
    data.with_name(f"{data.name}.log").unlink(missing_ok=True)


def _usual() -> Path:
    if barrier(TOP, service_account("euryale-app")) is None:
        return TOP / ".euryale" / "demo"
    return _ELSEWHERE
