"""What an application adds to its container by itself, and the checks that nothing in it collides. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from euryale.framework.config import SecretField, Settings, section_types_of, sections_of
from euryale.framework.container import Container, Graph, Provider, Scope, plan_container, provide, supplied, value
from euryale.framework.container.signature import key_of
from euryale.framework.data import Database, DatabaseSettings, Schema, open_database
from euryale.framework.errors import ApplicationError
from euryale.framework.events import Dispatcher, Events, Subscriber, publish_event
from euryale.framework.http.inject import HANDED_TO_REQUESTS
from euryale.framework.modules import Module
from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.errors import EuryaleError
from euryale.kit.telemetry import Telemetry
from euryale.workflows import Engine, JsonCodec, Store, Workflow
from euryale.workflows.definition.nodes import ChildNode, StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.stores.sqlite import SQLiteStore


class WorkflowSettings(Settings):
    """Where workflow executions are kept: a section for an application's settings."""

    path: Path = Field(default=Path("workflows.sqlite3"), description="the file that holds all executions")
    encryption_keys: tuple[SecretField, ...] = Field(
        default=(), description="keys of secrets in inputs and outputs, the one to encrypt with first"
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """All that an application is made of; see :class:`~euryale.framework.app.Application` for each."""

    settings: type[BaseModel]
    modules: Sequence[Module] = ()
    providers: Sequence[Provider] = ()
    workflows: Sequence[Workflow[Any, Any]] = ()
    subscribers: Sequence[Subscriber] = ()
    routers: Sequence[APIRouter] = ()
    services: Sequence[type] = ()
    error_statuses: Mapping[type[EuryaleError], int] = field(default_factory=dict)

    @property
    def schemas(self) -> list[Schema]:
        """The modules' tables, in the order of the modules."""
        return [module.schema for module in self.modules if module.schema is not None]

    @property
    def needs_engine(self) -> bool:
        """Whether there is anything for a workflow engine to do."""
        return bool(self.workflows or self.subscribers) or WorkflowSettings in section_types_of(self.settings)

    def all_workflows(self) -> tuple[Workflow[Any, Any], ...]:
        """Return the workflows, those of the subscribers and the framework's own."""
        return (*self.workflows, *(each.workflow for each in self.subscribers), publish_event)


def compose(parts: Parts, telemetry: Telemetry, overrides: Sequence[Provider] = ()) -> Graph:
    """Return the validated graph of all that an application provides.

    Raises:
        ApplicationError: If names collide, or a module's settings are missing.
        ContainerError: If the providers do not fit together.
    """
    _check_names(parts)
    _check_settings(parts)
    given = [*_settings_providers(parts.settings), *parts.providers]
    for module in parts.modules:
        given += module.all_providers()
    taken = {provider.key for provider in (*given, *overrides)}
    given += [provider for provider in _builtin(parts, telemetry, taken) if provider.key not in taken]
    graph = plan_container(given, overrides)
    _check_workflows(parts, graph)
    return graph


def settings_values(settings: BaseModel) -> dict[Any, Any]:
    """Return what is handed to the container: the settings and their sections, by type."""
    return {type(settings): settings} | {type(section): section for section in sections_of(settings)}


def _settings_providers(settings: type[BaseModel]) -> list[Provider]:
    counted = Counter(section_types_of(settings))
    unique = [section for section, times in counted.items() if times == 1]
    return [supplied(each, scope=Scope.APP) for each in (settings, *unique)]


def _builtin(parts: Parts, telemetry: Telemetry, taken: set[Any]) -> list[Provider]:
    sections = section_types_of(parts.settings)
    found = [value(telemetry), value(SYSTEM_CLOCK, as_=Clock), *map(supplied, HANDED_TO_REQUESTS)]
    if DatabaseSettings in sections:
        found.append(provide(open_database))
    if not parts.needs_engine:
        return found
    if WorkflowSettings in sections:
        found.append(provide(_open_store))
    elif Store not in taken:
        raise ApplicationError(
            "there are workflows or subscribers, but nowhere to keep their executions",
            hint="Add a section workflows: WorkflowSettings to the settings, or provide a Store.",
        )
    return [*found, provide(_dispatcher_of(parts)), provide(_events), provide(_engine_of(parts))]


def _dispatcher_of(parts: Parts) -> Callable[..., Dispatcher]:
    def make_dispatcher(container: Container, telemetry: Telemetry) -> Dispatcher:
        return Dispatcher(parts.subscribers, partial(container.resolve, Engine), telemetry)

    return make_dispatcher


def _engine_of(parts: Parts) -> Callable[..., Engine]:
    def make_engine(
        store: Store,
        container: Container,
        dispatcher: Dispatcher,
        telemetry: Telemetry,
        clock: Clock,
        settings: WorkflowSettings | None = None,
    ) -> Engine:
        return Engine(
            store,
            workflows=parts.all_workflows(),
            services=container,
            deliver=dispatcher.deliver,
            codec=JsonCodec(settings.encryption_keys if settings else ()),
            clock=clock,
            telemetry=telemetry,
        )

    return make_engine


def _open_store(settings: WorkflowSettings) -> Store:
    return SQLiteStore(settings.path)


def _events(container: Container) -> Events:
    return Events(partial(container.resolve, Engine))


def _check_names(parts: Parts) -> None:
    families: Mapping[str, Iterable[Any]] = {
        "modules": [module.name for module in parts.modules],
        "subscribers": [each.name for each in parts.subscribers],
        "workflows": [(each.plan.name, each.plan.version) for each in parts.all_workflows()],
    }
    for family, names in families.items():
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            shown = " version ".join(map(str, twice[0])) if isinstance(twice[0], tuple) else twice[0]
            raise ApplicationError(f"two {family} are called {shown}", hint="Give one of them another name.")


def _check_settings(parts: Parts) -> None:
    sections = section_types_of(parts.settings)
    for module in parts.modules:
        if module.settings is not None and sections.count(module.settings) != 1:
            raise ApplicationError(
                f"module {module.name!r} has settings of type {module.settings.__name__},"
                f" but {parts.settings.__name__} has {sections.count(module.settings)} sections of that type",
                hint=f"Add a field {module.name}: {module.settings.__name__} to {parts.settings.__name__}.",
            )
    if parts.schemas and not _has_database(parts):
        raise ApplicationError(
            "there are modules with tables, but no database",
            hint="Add a section database: DatabaseSettings to the settings, or provide a Database.",
        )


def _has_database(parts: Parts) -> bool:
    return DatabaseSettings in section_types_of(parts.settings) or any(
        provider.key is Database for provider in parts.providers
    )


def _check_workflows(parts: Parts, graph: Graph) -> None:
    for subscriber in parts.subscribers:
        graph.check_call(subscriber.function)
    for each in parts.workflows:
        _check_plan(each.plan, graph)
    for service in parts.services:
        graph.check_type(service, asked_by=_ServicesOfApplication, scope=Scope.APP)


def _check_plan(plan: Plan, graph: Graph) -> None:
    for node in plan.nodes.values():
        if isinstance(node, ChildNode):
            _check_plan(node.workflow.plan, graph)
        if not isinstance(node, StepNode):
            continue
        step = node.step
        injected = [*step.signature.injected, *(step.compensation.injected if step.compensation else ())]
        for _, wanted in injected:
            graph.check_type(key_of(wanted), asked_by=step.function, scope=Scope.APP)


class _ServicesOfApplication:
    """Stands in a drawing for the application's list of services."""
