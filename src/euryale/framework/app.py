"""The application: the one place where its parts are named, validated whole, and run."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from euryale.framework.composition import Parts, WorkflowSettings, compose, settings_values
from euryale.framework.config import Settings, load
from euryale.framework.container import Container, Provider
from euryale.framework.data import Database, migrate
from euryale.framework.errors import ApplicationError
from euryale.framework.events import Subscriber
from euryale.framework.http import ErrorStatuses, Readiness, StreamGate, check_routes, create_api
from euryale.framework.http.access_log import log_requests
from euryale.framework.http.server import Server, address_of, listen
from euryale.framework.http.shutdown import when_asked_to_stop
from euryale.framework.modules import Module
from euryale.kit.errors import EuryaleError
from euryale.kit.lifecycle import Lifecycle, Service
from euryale.kit.telemetry import Telemetry
from euryale.workflows import Engine, Workflow

__all__ = ["Application", "WorkflowSettings"]

_DRAIN: Final = 30
_NOTHING: Final[Mapping[str, Any]] = {}


class Application:
    """An application, put together and validated, but not running yet: making one has no effect outside.

    Args:
        name: What it is called; in upper case it is the prefix of its environment variables.
        version: Its version, for its API's documentation.
        settings: The class of its settings. The whole and each section can be injected by type. A section of type
            ``DatabaseSettings`` gives it a ``Database``, one of type ``WorkflowSettings`` a workflow engine.
        config_file: A TOML file with settings, read if it is there.
        modules: Its modules; they are migrated in this order.
        providers: What else is provided. What the application provides by itself gives way to these.
        workflows: Its workflows.
        subscribers: What happens on an event.
        routers: Its routes.
        services: Types of background services (``kit.lifecycle.Service``), started in this order.
        error_statuses: Which HTTP status its own errors have.
        overrides: Providers that replace others; see :meth:`replacing`.

    Raises:
        FrameworkError: If anything does not fit together. The message draws it.

    Example:
        >>> app = Application("hello", settings=HelloSettings, modules=[NOTES], routers=[notes.router])
        >>> async with app.running() as container:
        ...     await container.resolve(Notes).list()
    """

    def __init__(  # noqa: PLR0913 -- the composition root: one argument for each kind of part
        self,
        name: str,
        *,
        version: str = "0.1.0",
        settings: type[BaseModel] = Settings,
        config_file: Path | None = None,
        modules: Sequence[Module] = (),
        providers: Sequence[Provider] = (),
        workflows: Sequence[Workflow[Any, Any]] = (),
        subscribers: Sequence[Subscriber] = (),
        routers: Sequence[APIRouter] = (),
        services: Sequence[type[Service]] = (),
        error_statuses: Mapping[type[EuryaleError], int] | None = None,
        overrides: Sequence[Provider] = (),
    ) -> None:
        self.name = name
        self.version = version
        self.parts = Parts(
            settings,
            tuple(modules),
            tuple(providers),
            tuple(workflows),
            tuple(subscribers),
            tuple(routers),
            tuple(services),
            dict(error_statuses or {}),
        )
        self.telemetry = Telemetry()
        self._config_file = config_file
        self._overrides = tuple(overrides)
        self._container: Container | None = None
        self._graph = compose(self.parts, self.telemetry, self._overrides)
        self._api = self._make_api()
        check_routes(self._api, self._graph)
        log_requests(self.telemetry)

    @property
    def asgi(self) -> FastAPI:
        """The ASGI application, to mount on and to describe; it runs the application while it is served."""
        return self._api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application, as a server wants one: ``uvicorn hello.app:app``."""
        await self._api(scope, receive, send)

    @property
    def container(self) -> Container:
        """The container.

        Raises:
            ApplicationError: If the application is not running.
        """
        if self._container is None:
            raise ApplicationError(f"{self.name} is not running", hint="Use it inside async with app.running().")
        return self._container

    def replacing(self, *overrides: Provider) -> "Application":
        """Return the same application with some providers replaced, as for a test."""
        return Application(
            self.name,
            version=self.version,
            settings=self.parts.settings,
            config_file=self._config_file,
            modules=self.parts.modules,
            providers=self.parts.providers,
            workflows=self.parts.workflows,
            subscribers=self.parts.subscribers,
            routers=self.parts.routers,
            services=self.parts.services,
            error_statuses=self.parts.error_statuses,
            overrides=(*self._overrides, *overrides),
        )

    def load_settings(
        self, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] = _NOTHING
    ) -> BaseModel:
        """Return the settings: defaults < file < environment < ``overrides``.

        Args:
            environ: The environment. Default: that of the process.
            overrides: Arguments, nested or by dotted name.

        Raises:
            ConfigError: If they are not acceptable.
        """
        file = self._config_file if self._config_file is not None and self._config_file.exists() else None
        return load(
            self.parts.settings,
            prefix=self.name,
            file=file,
            environ=os.environ if environ is None else environ,
            overrides=overrides,
        )

    @asynccontextmanager
    async def running(
        self, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] = _NOTHING
    ) -> AsyncIterator[Container]:
        """Run the application: settings, container, migrations, engine, services; and all back in reverse.

        Args:
            environ: The environment. Default: that of the process.
            overrides: Settings as arguments.

        Raises:
            ConfigError: If the settings are not acceptable.
            ApplicationError: If it is running already.
        """
        if self._container is not None:
            raise ApplicationError(f"{self.name} is running already", hint="Run another one: app.replacing().")
        settings = self.load_settings(environ=environ, overrides=overrides)
        async with AsyncExitStack() as stack:
            container = await stack.enter_async_context(Container.open(self._graph, settings_values(settings)))
            stack.callback(self._let_go)
            self._hold(container)
            await self._migrate(container)
            lifecycle = Lifecycle(*self._services(container))
            await lifecycle.start()
            stack.push_async_callback(lifecycle.stop)
            stack.callback(self._stop_serving)
            self._api.state.readiness.open()
            yield container

    async def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        drain: int = _DRAIN,
        log_config: Any = None,
        overrides: Mapping[str, Any] = _NOTHING,
        ready: Callable[[str], None] = lambda _url: None,
    ) -> None:
        """Serve it over HTTP until the process is asked to stop; then let open requests finish.

        It has its port before it starts, so who connects meanwhile waits.

        Args:
            host: The address to listen at.
            port: The port to listen at; 0 takes a free one.
            drain: Seconds that open requests may take to finish.
            log_config: Uvicorn's configuration of logging. Default: leave logging as it is.
            overrides: Settings as arguments.
            ready: Called with its address, such as ``http://127.0.0.1:8000``, once it answers.

        Raises:
            AddressError: If nothing can listen there.
            EuryaleError: If it does not start, as :meth:`running` does.
        """
        config = uvicorn.Config(
            self.asgi, lifespan="off", access_log=False, log_config=log_config, timeout_graceful_shutdown=drain
        )
        with listen(host, port) as listener:
            running, url = partial(self._running_served, overrides), address_of(listener)
            await Server(config, running=running, ready=partial(ready, url)).serve([listener])

    @asynccontextmanager
    async def _running_served(self, overrides: Mapping[str, Any]) -> AsyncIterator[None]:
        async with self.running(overrides=overrides):
            with when_asked_to_stop(self._stop_serving):
                yield

    def _make_api(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
            async with self._running_served(_NOTHING):
                yield

        return create_api(
            title=self.name,
            version=self.version,
            routers=self.parts.routers,
            telemetry=self.telemetry,
            statuses=ErrorStatuses(self.parts.error_statuses),
            lifespan=lifespan,
        )

    def _hold(self, container: Container) -> None:
        self._container = container
        state = self._api.state
        state.container = container
        state.stream_gate = StreamGate()
        state.readiness = Readiness({"database": container.resolve(Database).ping} if Database in container else {})

    def _let_go(self) -> None:
        self._container = self._api.state.container = None

    def _stop_serving(self) -> None:
        self._api.state.readiness.close()
        self._api.state.stream_gate.close()

    async def _migrate(self, container: Container) -> None:
        if self.parts.schemas:
            await migrate(container.resolve(Database), self.parts.schemas)

    def _services(self, container: Container) -> list[Service]:
        services: list[Service] = [container.resolve(each) for each in self.parts.services]
        return [_EngineService(container.resolve(Engine)), *services] if Engine in container else services


class _EngineService:
    """The engine, with the lifecycle that all services have."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def start(self) -> None:
        await self._engine.open()

    async def stop(self) -> None:
        await self._engine.close()
