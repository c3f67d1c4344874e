"""A Caddy of a test's own, in a directory short enough for its admin socket, ended whatever the test leaves."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from euryale.cloud.host.procfs import processes
from euryale.cloud.providers.router.caddy.router import CaddyRouter


def free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def router_in(root: Path, port: int) -> CaddyRouter:
    return CaddyRouter(root / "router", port=port)


def caddies_of(root: Path) -> list[int]:
    mark = os.fsencode(root)
    return [row.pid for row in processes() if row.pid != os.getpid() and mark in _command_line(row.pid)]


@contextmanager
def caddy_root() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="euryale-caddy-")).resolve()
    try:
        yield root
    finally:
        while left := caddies_of(root):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(root)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
