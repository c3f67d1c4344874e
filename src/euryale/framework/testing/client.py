"""An application in a test: running in this process, with a client, a database of its own, and its events captured."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel

from euryale.framework.app import Application
from euryale.framework.container import Container, Provider, value
from euryale.framework.data import DatabaseSettings
from euryale.framework.events import Dispatcher
from euryale.framework.testing.capture import EventCapture
from euryale.workflows import Engine, ReleasedEvent, Status, Store
from euryale.workflows.stores.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class RunningApp:
    """A running application, as a test sees it.

    Attributes:
        application: The application, with the replaced providers.
        client: Sends requests to it, without a network.
        container: Its container.
        events: The events that were dispatched.
    """

    application: Application
    client: httpx.AsyncClient
    container: Container
    events: EventCapture

    async def handled(self, event: ReleasedEvent) -> dict[str, Status]:
        """Wait until all subscribers of an event have ended; return how, by the subscriber's name."""
        engine, dispatcher = self.container.resolve(Engine), self.container.resolve(Dispatcher)
        return {
            subscriber.name: await engine.wait(subscriber.execution_id(event))
            for subscriber in dispatcher.wanting(event.name)
        }


@asynccontextmanager
async def run_app(
    application: Application,
    *,
    folder: Path,
    providers: Sequence[Provider] = (),
    settings: Mapping[str, Any] | None = None,
    token: str = "",
) -> AsyncIterator[RunningApp]:
    """Run an application for a test.

    Its database is a new SQLite file in ``folder`` and its executions are kept in memory, unless ``settings`` or
    ``providers`` say otherwise. The environment of the process is not read.

    Args:
        application: The application.
        folder: Where its files go, such as pytest's ``tmp_path``.
        providers: Providers that take the place of its own.
        settings: Settings, by dotted name.
        token: A bearer token that the client sends.

    Example:
        >>> async with run_app(app, folder=tmp_path, providers=[value(FakeMailer(), as_=Mailer)]) as running:
        ...     answer = await running.client.get("/notes")
    """
    places = _sections(application.parts.settings, DatabaseSettings)
    own = {f"{place}.url": f"sqlite:///{folder}/test.sqlite3" for place in places}
    replaced = [*providers]
    if application.parts.needs_engine and Store not in {provider.key for provider in providers}:
        replaced.append(value(MemoryStore(), as_=Store))
    testing = application.replacing(*replaced)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with EventCapture(testing.telemetry) as events:
        async with testing.running(environ={}, overrides={**own, **(settings or {})}) as container:
            transport = httpx.ASGITransport(app=testing.asgi, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
                yield RunningApp(testing, client, container, events)


def _sections(settings: type[BaseModel], wanted: type[BaseModel]) -> list[str]:
    found: list[str] = []
    for name, field in settings.model_fields.items():
        section = field.annotation
        if section is wanted:
            found.append(name)
        elif isinstance(section, type) and issubclass(section, BaseModel):
            found += [f"{name}.{inner}" for inner in _sections(section, wanted)]
    return found
