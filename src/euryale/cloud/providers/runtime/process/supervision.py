"""The platform's side of a supervisor: start it, see whether it lives, end it, and end what it left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

from euryale.cloud.host import procfs
from euryale.cloud.host.account import own_account
from euryale.cloud.host.detached import collect, runs, spawn
from euryale.cloud.host.guard import held
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.runtime.process import records, supervisor
from euryale.cloud.providers.runtime.process.directories import Place
from euryale.cloud.providers.runtime.process.logtail import last_lines
from euryale.kit.clock import SYSTEM_CLOCK

_LOOK = 0.01
_START = 20.0
_MARGIN = 10.0
_ORPHAN_GRACE = 5.0


def is_supervised(place: Place) -> bool:
    """Return whether a supervisor lives there."""
    return held(place.lock)


async def launch(place: Place) -> None:
    """Start the supervisor of the record at ``place``; return when it is at work.

    Raises:
        ProviderUnavailableError: If it does not begin to work.
    """
    place.state.unlink(missing_ok=True)
    program: list[str | Path] = [sys.executable, "-P", "-s", "-m", supervisor.__name__, place.directory]
    try:
        process = spawn(program, cwd=Path("/"), env=_environment(), output=place.diary, account=own_account())
    except OSError as error:
        raise ProviderUnavailableError(f"No supervisor can be started for {place.name}: {error}") from error
    deadline = SYSTEM_CLOCK.monotonic() + _START
    while records.read_state(place.state) is None:
        if not runs(process) or SYSTEM_CLOCK.monotonic() > deadline:
            await _kill(process)  # else it begins when nobody expects it any more
            await end(place, grace=0.0)
            place.stop.unlink(missing_ok=True)  # it is to run still: the next one to look tries again
            raise ProviderUnavailableError(
                f"The supervisor of {place.name} did not begin to work. {last_lines(place.diary)}".rstrip()
            )
        await asyncio.sleep(_LOOK)


async def _kill(process: procfs.Identity) -> None:
    while runs(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await asyncio.sleep(_LOOK)


async def end(place: Place, *, grace: float) -> None:
    """End the supervisor and all processes of the record at ``place``, if there are any; its files stay.

    Args:
        place: Where the record stands.
        grace: Seconds that the processes have to end by themselves.
    """
    if not place.directory.is_dir():
        return
    records.write_stop(place.stop, grace)
    if is_supervised(place):
        await _end_supervisor(place, grace)
    await end_orphans(place, grace=min(grace, _ORPHAN_GRACE))
    _collect_supervisor(place)


async def forget(place: Place) -> None:
    """Delete the files of an instance that was ended; its log stays."""
    await asyncio.to_thread(shutil.rmtree, place.directory, ignore_errors=True)


def answers_itself(place: Place) -> bool:
    """Return whether it is the instance's own process that listens on its port, and not somebody else's."""
    spec = records.read_spec(place.spec)
    state = records.read_state(place.state)
    last = state.process if state is not None else None
    return spec is not None and procfs.listens(_processes(spec, last), spec.port)


async def end_orphans(place: Place, *, grace: float = _ORPHAN_GRACE) -> None:
    """End what a supervisor left that was killed: processes that carry the record's mark or are of its session."""
    spec = records.read_spec(place.spec)
    if spec is None or is_supervised(place):
        return
    state = records.read_state(place.state)
    last = state.process if state is not None else None
    deadline = SYSTEM_CLOCK.monotonic() + grace
    asked: set[int] = set()
    while orphans := await asyncio.to_thread(_processes, spec, last):
        late = SYSTEM_CLOCK.monotonic() >= deadline
        for pid in orphans if late else orphans - asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        asked |= orphans
        await asyncio.sleep(_LOOK)


async def _end_supervisor(place: Place, grace: float) -> None:
    """Ask the supervisor to end; end it when it takes much longer than ``grace``."""
    deadline = SYSTEM_CLOCK.monotonic() + grace + _MARGIN
    asked = False
    while is_supervised(place):
        state = records.read_state(place.state)
        late = SYSTEM_CLOCK.monotonic() > deadline
        if state is not None and state.supervisor.alive() and (late or not asked):
            os.kill(state.supervisor.pid, signal.SIGKILL if late else signal.SIGTERM)
            asked = True
        if late and state is None:
            raise ProviderUnavailableError(f"The supervisor of {place.name} cannot be told apart, so it is not ended.")
        await asyncio.sleep(_LOOK)


def _collect_supervisor(place: Place) -> None:
    """Let the kernel forget a supervisor that was started by this very process."""
    state = records.read_state(place.state)
    if state is not None:
        collect(state.supervisor.pid)


def _processes(spec: records.Spec, last: procfs.Identity | None) -> set[int]:
    """Return the processes that carry the record's mark or are of its session."""
    rows = procfs.processes()
    marked = {row.pid for row in rows if procfs.carries(row.pid, spec.marker)}
    if last is None or last.boot != procfs.boot_id():
        return marked
    if any(row.pid == last.pid and row.ticks != last.ticks for row in rows):
        return marked  # the id belongs to another process by now
    owner = os.geteuid() if spec.uid is None else spec.uid
    session = (row for row in rows if row.session == last.pid and row.ticks >= last.ticks)
    return marked | {row.pid for row in session if procfs.owner(row.pid) == owner}


def _environment() -> dict[str, str]:
    """Return the environment of a supervisor: Python's own settings, and nothing that could hold a secret."""
    return {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
