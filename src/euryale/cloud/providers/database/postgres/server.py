"""A cluster's server process: found, started, stopped, and cleared away when it was orphaned."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.detached import collect, runs, spawn
from euryale.cloud.host.procfs import Identity, directory, identify, processes, words
from euryale.cloud.providers.database.postgres.builds import Toolbox, configured, write_configuration
from euryale.cloud.providers.database.postgres.commands import ENVIRONMENT
from euryale.cloud.providers.database.postgres.failures import explained, port_was_taken
from euryale.cloud.providers.database.postgres.layout import Place
from euryale.cloud.providers.errors import ProviderUnavailableError

_POLL_SECONDS = 0.02
_IMMEDIATE_STOP = ((signal.SIGQUIT, 5.0),)  # signal, seconds to wait for the end; then it is killed
_SAVING_STOP = ((signal.SIGINT, 30.0), *_IMMEDIATE_STOP)
_KILL_SECONDS = 10.0
_LOG_TAIL_BYTES = 4096
_PROGRAMS = frozenset({"postgres", "initdb", "pg_basebackup"})
_STATUS_LINE = 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The process that serves a cluster.

    Attributes:
        identity: Which process it is.
        status: What it says of itself: ``starting``, ``ready`` or ``stopping``.
    """

    identity: Identity
    status: str


def find_postmaster(place: Place) -> Postmaster | None:
    """Return the server of ``place`` if it lives; a stale pid file, or a pid that is used again, is nobody."""
    try:
        lines = (place.data / "postmaster.pid").read_text().splitlines()
        identity = identify(int(lines[0]))
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if identity is None or not runs(identity) or not _works_in(identity.pid, place.data):
        return None
    return Postmaster(identity, lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "starting")


async def start_server(tools: Toolbox, place: Place, port: int, *, within: float) -> bool:
    """Start the server so that it outlives the platform, and wait until it takes connections.

    Args:
        tools: What it is served with.
        place: Its files. Nothing of it runs.
        port: Where it is to listen.
        within: Seconds to wait; recovery after a crash may take long.

    Returns:
        Whether it serves; False if somebody else took the port.

    Raises:
        ProviderUnavailableError: If it ended, with the end of its log, or was not ready in time (it is left alone).
        HostError: If it ended because the machine lacks something.
    """
    write_configuration(place)
    (place.data / "postmaster.pid").unlink(missing_ok=True)  # its pid may be another cluster's by now
    place.startup_log.write_bytes(b"")
    command: list[str | Path] = [tools.programs["postgres"], *configured(place), "-c", f"port={port}"]
    identity = spawn(command, cwd=Path("/"), env=ENVIRONMENT, output=place.startup_log, account=tools.account)
    if await await_ready(place, identity, within=within):
        return True
    log = read_log(place)
    if port_was_taken(log):
        return False
    raise explained("The database server ended while it started", log)


async def await_ready(place: Place, identity: Identity, *, within: float) -> bool:
    """Wait until the server takes connections; return False if it ended instead.

    Raises:
        ProviderUnavailableError: If neither happened in time.
    """
    try:
        async with asyncio.timeout(within):
            while runs(identity):
                postmaster = find_postmaster(place)
                if postmaster is not None and postmaster.status == "ready":
                    return True
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise ProviderUnavailableError(
            f"The database server is not ready after {within:g} seconds; it may be recovering from a crash.",
            hint="It goes on; connecting is tried again.",
        ) from None
    return False


async def stop_server(place: Place, *, immediately: bool) -> None:
    """End the server and every other process of ``place``; fine if nothing runs.

    Args:
        place: Its files.
        immediately: Do not save: for files that are deleted next. Else open sessions are ended and all is saved.

    Raises:
        ProviderUnavailableError: If a process cannot be ended.
    """
    postmaster = find_postmaster(place)
    if postmaster is not None:
        await _end_postmaster(postmaster.identity, immediately=immediately)
    await end_processes(place.directory)


async def end_processes(place: Path) -> None:
    """Kill every PostgreSQL program that works in the directory ``place``: what is left when the platform was killed.

    Raises:
        ProviderUnavailableError: If one does not end.
    """
    try:
        async with asyncio.timeout(_KILL_SECONDS):
            while left := processes_in(place):
                for identity in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(identity.pid, signal.SIGKILL)
                await asyncio.sleep(_POLL_SECONDS)
                for identity in left:
                    collect(identity.pid)
    except TimeoutError:
        raise ProviderUnavailableError(f"Processes that work in {place} cannot be ended.") from None


def processes_in(place: Path) -> list[Identity]:
    """Return the PostgreSQL programs that run in the directory ``place``, or were started on one beneath it."""
    return [row.identity for row in processes() if row.name in _PROGRAMS and _works_in(row.pid, place)]


def read_log(place: Place) -> str:
    """Return the end of what the server said last: at its start, and in its newest log file."""
    files = [place.startup_log, *_newest(place.logs)]
    return "\n".join(_end_of(path) for path in files)


def _newest(logs: Path) -> list[Path]:
    return sorted(logs.glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")


def _works_in(pid: int, place: Path) -> bool:
    named = (Path(word.removeprefix("--pgdata=")) for word in words(pid))
    return any(path is not None and path.is_relative_to(place) for path in (directory(pid), *named))


async def _end_postmaster(identity: Identity, *, immediately: bool) -> None:
    for number, within in _IMMEDIATE_STOP if immediately else _SAVING_STOP:
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        if await _ended(identity, within=within):
            return


async def _ended(identity: Identity, *, within: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while runs(identity):  # noqa: ASYNC110 -- the end of a process that is not our child tells nobody
                await asyncio.sleep(_POLL_SECONDS)
            return True
    return False
