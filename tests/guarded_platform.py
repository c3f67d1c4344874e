"""The real platform in this process, with its real providers behind a switch for faults: looked at from all sides."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from caddy_root import free_tcp_port
from euryale.cloud.app import build, derived_settings, shut_down
from euryale.cloud.home import Home
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.builder.process.builder import ProcessBuilder
from euryale.cloud.providers.database.contract import Database
from euryale.cloud.providers.database.postgres import PostgresClusters
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.testing.faults import Faults
from euryale.framework.container import provide
from euryale.framework.testing import EventCapture
from euryale.workflows import Engine, ExecutionEvent, ExecutionQuery
from platform_process import passable_root, until_ended
from webhook_receiver import Receiver


@dataclass(slots=True)
class GuardedPlatform:
    """A platform that runs, as a test sees it.

    Attributes:
        home: Its directory.
        http_port: Where the applications are reached.
        faults: Makes calls of ``builder`` fail; knows the calls of ``builder`` and ``databases`` that took effect.
        databases: The provider of databases.
        engine: The workflow engine.
        events: The events that were dispatched.
        receiver: What the webhook received.
    """

    home: Home
    http_port: int
    faults: Faults
    databases: Database
    engine: Engine
    events: EventCapture
    receiver: Receiver
    _api: httpx.AsyncClient = field(repr=False)

    async def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a request of the API and return its JSON; fail with the body if it is an error."""
        response = await self._api.request(method, f"/api/v1{path}", **arguments)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def create(self, name: str, repository: Path) -> str:
        """Ask for a project; return the execution."""
        answer = await self.ask("POST", "/projects", json={"name": name, "repository": str(repository)})
        return str(answer["execution"])

    async def ended(self, execution: str, *, within: float = 240) -> dict[str, Any]:
        """Wait until an execution has ended and return it."""
        return await until_ended(self.ask, execution, within=within)

    async def history(self, execution: str) -> list[ExecutionEvent]:
        """Return what has happened to an execution that has ended, and to those that it called."""
        found = [each async for each in self.engine.events(execution)]
        for child in await self.engine.list(ExecutionQuery(parent_id=execution)):
            found += await self.history(child.id)
        return found

    async def get(self, host: str, path: str = "/") -> httpx.Response:
        """Make a request of an application, through the router."""
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.get(f"http://127.0.0.1:{self.http_port}{path}", headers={"Host": host})

    async def caddy(self) -> Any:
        """Return the configuration that Caddy has, as Caddy tells it."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.home.path / "router" / "admin.sock"))
        async with httpx.AsyncClient(transport=transport, base_url="http://caddy") as client:
            return (await client.get("/config/")).json()

    def files(self) -> set[str]:
        """Return every path below the platform's directory."""
        return {str(path.relative_to(self.home.path)) for path in self.home.path.rglob("*")}

    def processes(self) -> set[tuple[int, str]]:
        """Return every process that was started on the platform's directory, works in it or was told of it."""
        found = set()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                about = [process.cwd(), process.exe(), *process.cmdline(), *process.environ().values()]
                if any(str(self.home.path) in each for each in about):
                    found.add((process.pid, process.name()))
        return found


@asynccontextmanager
async def guarded_platform() -> AsyncIterator[GuardedPlatform]:
    """Run one with all real providers, a webhook included; at the end nothing of it is left."""
    root, faults = passable_root(), Faults()
    settings = PlatformSettings(data=root / "data", port=free_tcp_port(), http_port=free_tcp_port())
    try:
        async with AsyncExitStack() as stack:
            receiver = Receiver()
            stack.push_async_callback(receiver.close)
            chosen = settings.model_copy(update={"webhook_url": await receiver.open()})
            yield await _run(stack, chosen, faults, receiver)
    finally:
        await shut_down(settings)
        await asyncio.to_thread(shutil.rmtree, root)


async def _run(
    stack: AsyncExitStack, settings: PlatformSettings, faults: Faults, receiver: Receiver
) -> GuardedPlatform:
    home = Home.at(settings.data)

    def builder(toolchains: Toolchains) -> Builder:
        return faults.guard("builder", ProcessBuilder(home.path / "builds", toolchains=toolchains))

    def databases() -> Database:
        return faults.guard("databases", PostgresClusters(home.path / "databases"))

    application = build(provide(builder), provide(databases))
    events = stack.enter_context(EventCapture(application.telemetry))
    values = {"platform": settings.model_dump(), **derived_settings(home)}
    container = await stack.enter_async_context(application.running(environ={}, overrides=values))
    transport = httpx.ASGITransport(app=application.asgi)
    headers = {"Authorization": f"Bearer {home.token.reveal()}"}
    api = await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://platform", headers=headers)
    )
    parts = (container.resolve(Database), container.resolve(Engine))
    return GuardedPlatform(home, settings.http_port, faults, *parts, events, receiver, api)
