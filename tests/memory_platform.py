"""The whole platform in this process: its own API, workflows and git remotes, over providers that only keep books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from euryale.cloud.app import build, derived_settings
from euryale.cloud.home import Home
from euryale.cloud.providers.builder.contract import Builder, BuildStatus
from euryale.cloud.providers.builder.memory import MemoryBuilder
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.database.memory import MemoryDatabase
from euryale.cloud.providers.notifier.contract import Notifier
from euryale.cloud.providers.notifier.memory import MemoryNotifier
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.router.memory import MemoryRouter
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.runtime.memory import MemoryRuntime
from euryale.framework.app import Application
from euryale.framework.container import Container, value
from euryale.kit.secret import Secret
from git_repository import Repository
from http_server import serving
from repositories import PACKAGE_LOCK

NODE_APP = {
    "package.json": b'{"name": "app", "scripts": {"start": "node server.js"}}',
    "package-lock.json": PACKAGE_LOCK.encode(),
    "server.js": b"",
}
BUILT = BuildStatus("succeeded", "build")
FAILING = BuildStatus("failed", "build", reason="npm ci ended with 1:\nno such package")
RUNNING = BuildStatus("running", "build")


@dataclass(frozen=True, slots=True)
class MemoryPlatform:
    """A running platform.

    Attributes:
        application: The platform itself.
        client: Sends requests to it with the owner's token, without a network.
        container: Its container.
        builder: Its builder; ``builder.outcome`` says how builds end.
        databases: Its databases.
        folder: A directory of the test's own.
        home: The platform's directory.
        url: Where it is served; empty if it is not.
    """

    application: Application
    client: httpx.AsyncClient
    container: Container
    builder: MemoryBuilder
    databases: MemoryDatabase
    folder: Path
    home: Home
    url: str = ""

    @property
    def token(self) -> Secret:
        return self.home.token

    def repository(self, name: str = "app", files: dict[str, bytes] | None = None) -> Repository:
        """Make a repository with one commit on ``main``."""
        made = Repository(self.folder / "repositories" / f"{name}.git")
        made.commit("main", files or NODE_APP, "First")
        return made


@asynccontextmanager
async def memory_platform(folder: Path, *, served: bool = False) -> AsyncIterator[MemoryPlatform]:
    """Run a platform; with ``served`` also over HTTP on a free port."""
    home = Home.at(folder / "platform")
    builder, databases = MemoryBuilder(folder / "builds", outcome=BUILT), MemoryDatabase()
    application = build(
        value(builder, as_=Builder),
        value(databases, as_=Databases),
        value(MemoryRuntime(logs=folder / "logs"), as_=Runtime),
        value(MemoryRouter(), as_=Router),
        value(MemoryNotifier(), as_=Notifier),
    )
    settings = {
        "platform": {"data": home.path, "reconcile_every": 3600.0},
        **derived_settings(home),
    }
    headers = {"Authorization": f"Bearer {home.token.reveal()}"}
    transport = httpx.ASGITransport(app=application.asgi, raise_app_exceptions=False)
    async with (
        application.running(environ={}, overrides=settings) as container,
        httpx.AsyncClient(transport=transport, base_url="http://test/api/v1", headers=headers) as client,
    ):
        if not served:
            yield MemoryPlatform(application, client, container, builder, databases, folder, home)
            return
        async with serving(application.asgi) as url:
            home.announce(url)
            yield MemoryPlatform(application, client, container, builder, databases, folder, home, url)
            application.asgi.state.stream_gate.close()
