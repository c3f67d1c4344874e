"""An application that does not fit together is refused when it is made, with what to change."""

from typing import Any, Protocol

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped

from euryale.framework.app import Application, WorkflowSettings
from euryale.framework.config import Settings
from euryale.framework.container import (
    DuplicateProviderError,
    MissingProviderError,
    Scope,
    ScopeError,
    provide,
    value,
)
from euryale.framework.data import Database, DatabaseSettings, Model, id_column
from euryale.framework.errors import ApplicationError
from euryale.framework.events import Event, Events, subscriber
from euryale.framework.modules import Module
from euryale.kit.clock import Clock, ManualClock
from euryale.kit.telemetry import Telemetry
from euryale.workflows import Engine, inject, step, workflow


class Base(Model, DeclarativeBase, module="notes"):
    """The tables of these tests."""


class Note(Base):
    id: Mapped[str] = id_column("note")


class Mailer(Protocol):
    def send(self, text: str) -> None: ...


class NoteSettings(Settings):
    most: int = 3


class Notes:
    def __init__(self, database: Database, settings: NoteSettings) -> None:
        self.database, self.settings = database, settings


class Whole(Settings):
    database: DatabaseSettings
    workflows: WorkflowSettings = WorkflowSettings()
    notes: NoteSettings = NoteSettings()


NOTES = Module("notes", services=[Notes], models=Base, settings=NoteSettings)


@step
async def send_mail(text: str, *, mailer: Mailer = inject()) -> str:
    return text


@workflow("send")
def send(text: str) -> str:
    return send_mail(text)


@workflow("outer")
def outer(text: str) -> str:
    return send(text)


@subscriber("a")
async def on_a(event: Event[Any], *, mailer: Mailer) -> None: ...


def test_a_whole_application_fits_together():
    app = Application("hello", settings=Whole, modules=[NOTES])
    assert {route.path for route in app.asgi.routes if hasattr(route, "path")} >= {"/openapi.json"}
    for key in (Whole, NoteSettings, Database, Notes, Engine, Events, Clock, Telemetry):
        assert key in app._graph.providers


def test_modules_need_their_settings_and_a_database():
    class NoNotes(Settings):
        database: DatabaseSettings

    class NoDatabase(Settings):
        notes: NoteSettings = NoteSettings()

    with pytest.raises(ApplicationError, match="module 'notes' has settings of type NoteSettings") as caught:
        Application("hello", settings=NoNotes, modules=[NOTES])
    assert "Add a field notes: NoteSettings to NoNotes" in caught.value.hint
    with pytest.raises(ApplicationError, match="modules with tables, but no database"):
        Application("hello", settings=NoDatabase, modules=[NOTES])


def test_workflows_need_somewhere_to_be_kept():
    with pytest.raises(ApplicationError, match="nowhere to keep"):
        Application("hello", workflows=[send])


@pytest.mark.parametrize("workflows", [[send], [outer]])
def test_what_a_step_injects_must_be_provided(workflows: list[Any]):
    with pytest.raises(MissingProviderError, match="nothing provides Mailer") as caught:
        Application("hello", settings=Whole, workflows=workflows)
    assert "send_mail" in str(caught.value)


def test_what_a_subscriber_injects_must_be_provided():
    with pytest.raises(MissingProviderError, match="nothing provides Mailer") as caught:
        Application("hello", settings=Whole, subscribers=[on_a])
    assert "on_a" in str(caught.value)


def test_a_background_service_must_be_provided():
    class Sweeper:
        async def start(self) -> None: ...

        async def stop(self) -> None: ...

    with pytest.raises(MissingProviderError, match="nothing provides Sweeper"):
        Application("hello", services=[Sweeper])


class Outbox:
    def send(self, text: str) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def test_neither_a_step_nor_a_service_is_part_of_a_call():
    mailer = provide(Outbox, as_=Mailer, scope=Scope.CALL)
    with pytest.raises(ScopeError, match="send_mail is not part of a call, but needs Mailer"):
        Application("hello", settings=Whole, workflows=[send], providers=[mailer])
    with pytest.raises(ScopeError, match="needs Outbox"):
        Application("hello", services=[Outbox], providers=[provide(Outbox, scope=Scope.CALL)])
    Application("hello", settings=Whole, subscribers=[on_a], providers=[mailer])


def test_names_must_be_unique():
    with pytest.raises(ApplicationError, match="two modules are called clockwork"):
        Application("hello", modules=[Module("clockwork"), Module("clockwork")])
    with pytest.raises(ApplicationError, match="two workflows are called send version 1"):
        Application("hello", settings=Whole, workflows=[send, send])
    with pytest.raises(ApplicationError, match="two subscribers are called on-a"):
        Application("hello", settings=Whole, subscribers=[on_a, on_a])


def test_what_is_built_in_gives_way_to_what_is_provided():
    clock = ManualClock()
    app = Application("hello", providers=[value(clock, as_=Clock)])
    assert app._graph.providers[Clock].source is clock
    replaced = app.replacing(value(ManualClock(), as_=Clock))
    assert replaced._graph.providers[Clock].source is not clock
    with pytest.raises(DuplicateProviderError):
        Application("hello", providers=[value(clock, as_=Clock), provide(ManualClock, as_=Clock)])


async def test_services_start_in_order_and_stop_in_reverse():
    log: list[str] = []

    class First:
        name = "first"

        async def start(self) -> None:
            log.append(f"start {self.name}")

        async def stop(self) -> None:
            log.append(f"stop {self.name}")

    class Second(First):
        name = "second"

    app = Application("hello", providers=[provide(First), provide(Second)], services=[First, Second])
    async with app.running(environ={}):
        log.append("running")
    assert log == ["start first", "start second", "running", "stop second", "stop first"]
