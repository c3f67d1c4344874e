"""The whole platform in this process: its real workflows, records and ledger, over providers that only keep books.

The providers outlive the platform, as real ones do: end it and run it again, and they hold what it had made.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from euryale.cloud.app import build, derived_settings
from euryale.cloud.audit import Audit
from euryale.cloud.home import Home
from euryale.cloud.jobs.reconciler import Reconciler
from euryale.cloud.logs import LogBook
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.ledger import Ledger
from euryale.cloud.modules.projects import NewProject, Projects
from euryale.cloud.providers.builder.contract import Builder, BuildStatus
from euryale.cloud.providers.builder.memory import MemoryBuilder
from euryale.cloud.providers.database.contract import Database
from euryale.cloud.providers.database.memory import MemoryDatabase
from euryale.cloud.providers.notifier.contract import Notifier
from euryale.cloud.providers.notifier.memory import MemoryNotifier
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.router.memory import MemoryRouter
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.runtime.memory import MemoryRuntime
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.providers.source.memory import MemorySource
from euryale.cloud.testing.faults import Faults
from euryale.cloud.workflows.operations import Operations
from euryale.cloud.workflows.steps.policy import PACE
from euryale.framework.app import Application
from euryale.framework.container import Container, Provider, provide, value
from euryale.framework.events import Dispatcher
from euryale.framework.testing import EventCapture
from euryale.workflows import Engine, ExecutionQuery, ReleasedEvent, Status, Store

NODE_APP: Final = {
    "package.json": b'{"name": "app", "scripts": {"build": "true", "start": "node ."}}',
    "package-lock.json": b'{"name": "app", "lockfileVersion": 3, "packages": {}}',
}
"""The files of the smallest application that the platform builds."""

_PACE: Final = 0.0001
_SELDOM: Final = 3600.0

_LENT: Final[dict[Any, Any]] = {}
"""The values that the platform which runs now has lent to the application, by their types."""


@functools.cache
def _composed(lent: frozenset[Any]) -> Application:
    """Return the application, put together once in this process for each choice of types that are lent to it."""

    def lend(key: Any) -> Provider:
        return provide(lambda: _LENT[key], as_=key)

    return build(*map(lend, lent))


class MemoryPlatform:
    """A platform without anything outside: what it makes stands in the books of its providers.

    Args:
        folder: The directory of all its files, such as pytest's ``tmp_path``.
        pace: How much of the wait between two attempts is waited.

    Attributes:
        faults: Makes calls of the providers fail or wait; calls are named ``builder.start`` and so on, by family.
        source, databases, builder, runtime, router, notifier: The providers.

    Example:
        >>> platform = MemoryPlatform(tmp_path)
        >>> async with platform.running() as running:
        ...     execution = await running.operations.create_project(platform.project("shop"))
        ...     assert await running.ended(execution) is Status.SUCCEEDED
    """

    def __init__(self, folder: Path, *, pace: float = _PACE) -> None:
        self.folder = folder
        self.faults = Faults()
        self.source = self.faults.guard("source", MemorySource())
        self.databases = self.faults.guard("databases", MemoryDatabase())
        outcome = BuildStatus("succeeded", "package")
        self.builder = self.faults.guard("builder", MemoryBuilder(folder / "artifacts", outcome=outcome))
        self.runtime = self.faults.guard("runtime", MemoryRuntime(logs=folder / "app-logs"))
        self.router = self.faults.guard("router", MemoryRouter())
        self.notifier = self.faults.guard("notifier", MemoryNotifier())
        self._pace = pace

    def project(self, name: str, **details: Any) -> NewProject:
        """Return what a project is created from: a repository of its own that holds a small application."""
        repository = self.source.create(name)
        self.source.commit(repository, "main", NODE_APP, "first")
        return NewProject(name, repository, **details)

    def push(self, name: str, branch: str, message: str = "change") -> str:
        """Make a commit on a branch of a project's repository; nobody is told. Return its hash."""
        return self.source.commit(self.source.create(name), branch, NODE_APP, message)

    @asynccontextmanager
    async def running(self, *overrides: Provider, **settings: Any) -> AsyncIterator["RunningPlatform"]:
        """Run the platform; again and again, over the same files and providers, one at a time in a process.

        Args:
            overrides: Values that take the place of others, such as another ``Store``.
            settings: Settings of the platform, such as ``keep_builds=1``.
        """
        home = Home.at(self.folder / "home")
        lent = {provider.key: provider.source for provider in (*self._providers(), *overrides)}
        application = _composed(frozenset(lent))
        platform = {"data": home.path, "reconcile_every": _SELDOM, **settings}
        former, PACE.scale = PACE.scale, self._pace
        _LENT.update(lent)
        try:
            with EventCapture(application.telemetry) as events:
                values = {"platform": platform, **derived_settings(home)}
                async with application.running(environ={}, overrides=values) as container:
                    yield RunningPlatform(self, container, events)
        finally:
            PACE.scale = former
            _LENT.clear()

    def _providers(self) -> tuple[Provider, ...]:
        return (
            value(self.source, as_=Source),
            value(self.databases, as_=Database),
            value(self.builder, as_=Builder),
            value(self.runtime, as_=Runtime),
            value(self.router, as_=Router),
            value(self.notifier, as_=Notifier),
        )

    async def inventory(self) -> frozenset[str]:
        """Return all that stands at the providers, each name behind its family's."""
        families: dict[str, Callable[[], Any]] = {
            "databases": self.databases.inventory,
            "builder": self.builder.inventory,
            "runtime": self.runtime.inventory,
            "router": self.router.inventory,
        }
        return frozenset([f"{family}:{name}" for family, look in families.items() for name in await look()])

    def serving(self, environment: str) -> str:
        """Return the instance that gets an environment's requests: ``shop--production/web-1``; empty if none does."""
        route = self.router.routes.get(environment)
        upstreams = route.upstreams if route is not None else ()
        instances = self.runtime.addresses()
        return " ".join(instances.get(upstream, f"nobody at {upstream}") for upstream in upstreams)


@dataclass(frozen=True, slots=True)
class RunningPlatform:
    """A platform that runs, as a test sees it.

    Attributes:
        platform: With its providers.
        container: Everything else.
        events: The events that were dispatched.
    """

    platform: MemoryPlatform
    container: Container
    events: EventCapture

    @property
    def operations(self) -> Operations:
        """The door through which work is started."""
        return self.container.resolve(Operations)

    @property
    def engine(self) -> Engine:
        """The workflow engine."""
        return self.container.resolve(Engine)

    @property
    def projects(self) -> Projects:
        """The projects."""
        return self.container.resolve(Projects)

    @property
    def deployments(self) -> Deployments:
        """The deployments."""
        return self.container.resolve(Deployments)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.container.resolve(Ledger)

    @property
    def logs(self) -> LogBook:
        """The logs."""
        return self.container.resolve(LogBook)

    @property
    def reconciler(self) -> Reconciler:
        """The reconciler; call ``reconcile`` to let it look."""
        return self.container.resolve(Reconciler)

    async def ended(self, execution: str, *, within: float = 30.0) -> Status:
        """Return how an execution ended, when all that follows from it has ended, too."""
        async with asyncio.timeout(within):
            status = await self.engine.wait(execution)
            await self.settled()
        return status

    async def create(self, name: str, **details: Any) -> str:
        """Create a project; return the execution when all has ended.

        Raises:
            AssertionError: If it was not created.
        """
        execution = await self.operations.create_project(self.platform.project(name, **details))
        if await self.ended(execution) is not Status.SUCCEEDED:
            raise AssertionError(f"{name} was not created: {(await self.engine.get(execution)).error}")
        return execution

    async def settled(self) -> None:
        """Wait until no execution is under way and every event has been dispatched."""
        store = self.container.resolve(Store)
        query = ExecutionQuery(statuses=frozenset(status for status in Status if not status.ended))
        while True:
            working = await self.engine.list(query)
            # an event that is taken from the outbox has begun its executions: so the engine is asked once more
            if not working and not await store.released(1) and not await self.engine.list(query):
                return
            for each in working:
                await self.engine.wait(each.id)
            await asyncio.sleep(0)

    async def differences(self) -> tuple[str, ...]:
        """Return in what the ledger and the providers differ."""
        found = await self.container.resolve(Audit).differences()
        return tuple(f"{each.problem} {each.family}:{each.name}" for each in found)

    async def handled(self, event: ReleasedEvent) -> dict[str, Status]:
        """Wait until all subscribers of an event have ended; return how, by the subscriber's name."""
        wanting = self.container.resolve(Dispatcher).wanting(event.name)
        return {each.name: await self.engine.wait(each.execution_id(event)) for each in wanting}
