"""The runtime of a bare machine."""

import asyncio
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from euryale.cloud.host.account import Account, service_account
from euryale.cloud.host.guard import exclusive
from euryale.cloud.providers.errors import GoneError, ProviderUnavailableError
from euryale.cloud.providers.runtime.contract import Instance, InstanceIntent, ReleaseFailedError, UnhealthyError
from euryale.cloud.providers.runtime.process import records, supervision
from euryale.cloud.providers.runtime.process.backoff import RestartPolicy
from euryale.cloud.providers.runtime.process.composition import Composer, Toolchains
from euryale.cloud.providers.runtime.process.directories import Directories, Place
from euryale.cloud.providers.runtime.process.environment import agrees, listening_on
from euryale.cloud.providers.runtime.process.health import Verdict, wait_until_healthy
from euryale.cloud.providers.runtime.process.logtail import last_lines
from euryale.cloud.providers.runtime.process.port_book import PortBook
from euryale.cloud.providers.runtime.process.records import Spec, State
from euryale.cloud.providers.runtime.process.redaction import redact
from euryale.cloud.providers.runtime.process.supervisor import STOPPED

_log = logging.getLogger(__name__)

_PORTS = range(21_000, 23_000)
_LOOK = 0.05
_DESTROY_GRACE = 10.0
_RELEASE_GRACE = 5.0
_HOPELESS_DEATHS = 3


class ProcessRuntime:
    """Runs applications as processes of this (Linux) machine, each under a supervisor process of its own.

    Supervisors and applications outlive the platform; another object over the same ``root`` finds them again.

    Args:
        root: The directory of everything it keeps. When the platform runs as root, each directory above must be open
            to all for entering (mode 0711), and so must be those above artifacts.
        ports: The loopback ports that instances are given.
        toolchains: Where the programs of a language are.
        account: Who applications run as; by default the system account ``euryale-app`` when the platform runs as
            root, else the platform's own.
        restart: When a process that died is started again.
        release_timeout: Seconds that a command run once may take.
        machine: The environment of which the settings for certificates are handed on; by default the platform's.

    Raises:
        HostError: If there is no such account and none can be made.
    """

    def __init__(
        self,
        root: Path,
        *,
        ports: range = _PORTS,
        toolchains: Toolchains,
        account: Account | None = None,
        restart: RestartPolicy = RestartPolicy(),  # noqa: B008 -- an immutable value
        release_timeout: float = 900.0,
        machine: Mapping[str, str] = os.environ,
    ) -> None:
        self._directories = Directories(root)
        self._account = account or service_account("euryale-app")
        self._composer = Composer(toolchains, self._account, self._directories, restart, machine)
        self._release_timeout = release_timeout
        self._ports = PortBook(self._directories.ports, ports, self._recorded_ports)

    async def release(self, intent: InstanceIntent) -> None:
        """Run a command once, to its end, and wait for it; one of that name that still runs is ended first.

        Raises:
            ReleaseFailedError: If it exits with a status other than 0, takes too long, or is ended.
            PermanentError: If it cannot be run at all, such as from a directory that is not in the artifact.
            ProviderUnavailableError: If no process can be had.
        """
        place = self._directories.release(intent.app, intent.name)
        self._make_room(intent.app)
        async with exclusive(place.guard):
            await self._clear(place, grace=_RELEASE_GRACE)
            spec = await self._composer.compose(intent, place, timeout=self._release_timeout)
            self._record(place, spec)
            await supervision.launch(place)
        try:
            state = await self._end_of(place, spec)
        finally:
            await self._clear_if_still(place, spec)
        if state is None or state.status != 0:
            raise _release_failed(intent, place, state, spec)

    async def start(self, intent: InstanceIntent) -> Instance:
        """Start an instance, or adopt the one of that name (started again if it had been lost).

        One that knows other variables, such as the address that its database had before, is ended and started anew.

        Raises:
            ProviderUnavailableError: If no port or no process can be had.
            PermanentError: If it cannot be run at all, such as from a directory that is not in the artifact.
        """
        place = self._directories.instance(intent.app, intent.name)
        self._make_room(intent.app)
        async with exclusive(place.guard):
            if place.stop.exists() or _is_outdated(place, intent):  # the former: the platform died while it stopped it
                await self._clear(place, grace=_DESTROY_GRACE)
            if not supervision.is_supervised(place):
                await supervision.end_orphans(place)
                await self._begin(place, intent)
        return self._instance(place)

    async def revive(self) -> tuple[str, ...]:
        """Start every instance again that is to run and whose supervisor is gone, as after the machine's restart.

        One that cannot be started is logged, and keeps no other from being started.

        Returns:
            The names of those that were started.
        """
        places = [place for app in self._directories.apps() for place in self._directories.instances(app)]
        revived = await asyncio.gather(*(self._attempt_revival(place) for place in places))
        return tuple(place.name for place, done in zip(places, revived, strict=True) if done)

    async def ready(self, app: str, name: str, *, path: str, timeout: float) -> None:  # noqa: ASYNC109 -- a promise
        """Wait until ``path`` of the instance itself answers with a status below 400.

        Raises:
            UnhealthyError: If it does not within ``timeout`` seconds, or the process died three times in a row.
            GoneError: If there is no such instance.
        """
        place = self._directories.instance(app, name)
        address = self._instance(place).address
        await self._revive(place)
        url = f"http://{address}/{path.lstrip('/')}"
        verdict = await wait_until_healthy(
            url,
            timeout=timeout,
            gives_up=lambda: self._is_hopeless(place),
            is_own=lambda: supervision.answers_itself(place),
        )
        if not verdict.healthy:
            raise self._unhealthy(place, path, verdict)

    async def instances(self, app: str) -> tuple[Instance, ...]:
        """Return the instances of an environment; one whose supervisor is gone is in ``backoff``."""
        return tuple(self._instance(place) for place in self._directories.instances(app) if place.spec.exists())

    async def stop(self, app: str, name: str, *, grace: float = 30.0) -> None:
        """Ask the instance to end, end it after ``grace`` seconds, and forget it; what is gone is done."""
        place = self._directories.instance(app, name)
        if place.directory.exists():
            await self._clear_guarded(place, grace=grace)

    async def destroy(self, app: str) -> None:
        """Stop every instance of the environment and delete its logs and its home."""
        directory = self._directories.app(app)
        if not directory.exists():
            return
        places = (*self._directories.instances(app), *self._directories.releases(app))
        await asyncio.gather(*(self._clear_guarded(place, grace=_DESTROY_GRACE) for place in places))
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    def log(self, app: str, name: str) -> Path:
        """Return the file to which the instance's output is appended, secrets masked; it may not exist yet."""
        return self._directories.instance(app, name).log

    async def inventory(self) -> frozenset[str]:
        """Return what really exists, as ``app`` and ``app/instance``: for the audit."""
        apps = self._directories.apps()
        return frozenset(apps).union(*({f"{app}/{at.name}" for at in self._directories.instances(app)} for app in apps))

    def _make_room(self, app: str) -> None:
        """Make the environment's directories: its home for its processes, the rest for the platform."""
        self._directories.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._directories.guards.mkdir(mode=0o700, exist_ok=True)
        self._directories.app(app).mkdir(mode=0o711, exist_ok=True)
        (self._directories.app(app) / "logs").mkdir(mode=0o750, exist_ok=True)
        for path in (self._directories.home(app), self._directories.temporary(app)):
            path.mkdir(mode=0o700, exist_ok=True)
            self._account.own(path)

    async def _begin(self, place: Place, intent: InstanceIntent) -> None:
        before = records.read_spec(place.spec)
        spec = await self._composer.compose(intent, place, timeout=None)
        with self._ports.allocate(before.port if before else 0) as port:
            self._record(place, spec._replace(port=port, env=listening_on(spec.env, port)))
        await supervision.launch(place)

    async def _attempt_revival(self, place: Place) -> bool:
        try:
            return await self._revive(place)
        except ProviderUnavailableError as error:
            _log.warning("%s/%s cannot be revived: %s", place.app, place.name, error)
            return False

    async def _revive(self, place: Place) -> bool:
        async with exclusive(place.guard):
            if not place.spec.exists() or place.stop.exists() or supervision.is_supervised(place):
                return False
            await supervision.end_orphans(place)
            await supervision.launch(place)
            return True

    async def _clear_guarded(self, place: Place, *, grace: float) -> None:
        async with exclusive(place.guard):
            await self._clear(place, grace=grace)

    async def _clear(self, place: Place, *, grace: float) -> None:
        await supervision.end(place, grace=grace)
        await supervision.forget(place)

    def _record(self, place: Place, spec: Spec) -> None:
        place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        records.write_spec(place.spec, spec)

    def _recorded_ports(self) -> set[int]:
        places = (place for app in self._directories.apps() for place in self._directories.instances(app))
        specs = (records.read_spec(place.spec) for place in places)
        return {spec.port for spec in specs if spec is not None}

    async def _end_of(self, place: Place, spec: Spec) -> State | None:
        """Wait for the end of a command run once; None if it was stopped, its supervisor killed, or its place taken."""
        while supervision.is_supervised(place):  # noqa: ASYNC110 -- another process sets no event here
            await asyncio.sleep(_LOOK)
        now = records.read_spec(place.spec)
        state = records.read_state(place.state)
        if now is None or now.token != spec.token or state is None or state.phase != "stopped":
            return None
        return None if state.outcome == STOPPED else state

    async def _clear_if_still(self, place: Place, spec: Spec) -> None:
        """End and forget a command run once, unless a repetition has taken its place."""
        async with exclusive(place.guard):
            now = records.read_spec(place.spec)
            if now is not None and now.token == spec.token:
                await self._clear(place, grace=_RELEASE_GRACE)

    def _instance(self, place: Place) -> Instance:
        spec = records.read_spec(place.spec)
        if spec is None:
            raise GoneError(f"There is no instance {place.name!r} of {place.app!r}.")
        state = records.read_state(place.state)
        return Instance(
            name=place.name,
            address=f"127.0.0.1:{spec.port}",
            state=_phase(place, state),
            restarts=state.restarts if state else 0,
        )

    def _is_hopeless(self, place: Place) -> bool:
        state = records.read_state(place.state)
        dying = state is not None and state.phase == "backoff" and state.deaths >= _HOPELESS_DEATHS
        return dying or not place.spec.exists()

    def _unhealthy(self, place: Place, path: str, verdict: Verdict) -> UnhealthyError:
        spec = records.read_spec(place.spec)
        state = records.read_state(place.state)
        end = f", last: {state.outcome}" if state and state.outcome else ""
        condition = f"The process is {_phase(place, state)} (restarts: {state.restarts if state else 0}{end})."
        text = f"{place.name} did not become healthy: GET {path}: {verdict.last_answer}. {condition}{_shown(place)}"
        return UnhealthyError(redact(text, spec.masks if spec else ()))


def _is_outdated(place: Place, intent: InstanceIntent) -> bool:
    """Return whether what is on record was told something else than ``intent`` says."""
    spec = records.read_spec(place.spec)
    return spec is not None and not agrees(spec.env, {name: value.reveal() for name, value in intent.env.items()})


def _phase(place: Place, state: State | None) -> Literal["starting", "running", "backoff", "stopped"]:
    if supervision.is_supervised(place):
        return cast("Literal['starting', 'running', 'backoff', 'stopped']", state.phase if state else "starting")
    return "stopped" if place.stop.exists() or not place.spec.exists() else "backoff"


def _release_failed(intent: InstanceIntent, place: Place, state: State | None, spec: Spec) -> ReleaseFailedError:
    end = state.outcome if state is not None else "ended from outside"
    text = f"The {intent.command.phase} command {intent.command.line!r} failed: {end}.{_shown(place)}"
    return ReleaseFailedError(redact(text, spec.masks))


def _shown(place: Place) -> str:
    lines = last_lines(place.log)
    return f" Its last lines:\n{lines}" if lines else " It wrote nothing."
