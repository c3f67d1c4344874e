"""Hands each released event to the subscribers that want it: one durable execution each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar, overload

import msgspec

from euryale.framework.events.errors import EventError, EventPayloadError
from euryale.framework.events.event import EventType, check_name, name_of_event
from euryale.framework.events.subscribers import Subscriber
from euryale.kit.ids import new_id
from euryale.kit.telemetry import Telemetry
from euryale.workflows import ReleasedEvent, Workflow, emit, workflow

P = TypeVar("P")

EVENT_DISPATCHED: Final = "event.dispatched"
_PUBLISHED: Final = "framework.published"


class WorkflowStarter(Protocol):
    """What starts executions: the engine."""

    async def start(self, workflow: Workflow[Any, Any], value: Any, *, id: str | None = None) -> object:  # noqa: A002 -- the engine's name for it
        """Start a workflow durably; with the same id and input again, join what is there."""
        ...


@dataclass(frozen=True, slots=True)
class Publication:
    """What :meth:`Events.publish` was told.

    Attributes:
        name: The event's name.
        data: What it carries, as plain values.
    """

    name: str
    data: Any


@workflow("publish-event", retention=timedelta(days=7))
def publish_event(publication: Publication) -> None:
    """Emit an event from outside of a workflow."""
    emit(_PUBLISHED, publication)


class Dispatcher:
    """Starts the executions of subscribers; reports ``event.dispatched`` with ``event`` and ``subscribers`` (names).

    Args:
        subscribers: All of the application's.
        starter: Gives what starts executions; asked at each event, because the engine needs the dispatcher first.
        telemetry: Who is told.

    Raises:
        EventError: If two subscribers have the same name.
    """

    def __init__(
        self, subscribers: Sequence[Subscriber], starter: Callable[[], WorkflowStarter], telemetry: Telemetry
    ) -> None:
        check_subscribers(subscribers)
        self._subscribers = tuple(subscribers)
        self._starter = starter
        self._telemetry = telemetry

    async def deliver(self, released: ReleasedEvent) -> None:
        """Start one execution for each subscriber that wants the event. Safe to repeat: the ids are the same."""
        event = _unwrapped(released)
        wanted = self.wanting(event.name)
        for subscriber in wanted:
            await self._starter().start(subscriber.workflow, event, id=subscriber.execution_id(event))
        self._telemetry.report(EVENT_DISPATCHED, event=event, subscribers=tuple(each.name for each in wanted))

    def wanting(self, name: str) -> tuple[Subscriber, ...]:
        """Return the subscribers that want events of that name."""
        return tuple(each for each in self._subscribers if each.wants(name))


class Events:
    """Publishes events from outside of workflows, such as from a service. Ask for it by its type.

    Args:
        starter: Gives what starts executions.
    """

    def __init__(self, starter: Callable[[], WorkflowStarter]) -> None:
        self._starter = starter

    @overload
    async def publish(self, event: EventType[P], data: P, *, key: str | None = None) -> None: ...

    @overload
    async def publish(self, event: str, data: Any = None, *, key: str | None = None) -> None: ...

    async def publish(self, event: str | EventType[Any], data: Any = None, *, key: str | None = None) -> None:
        """Publish an event; when this returns it is durable, and its subscribers will be run.

        Args:
            event: Its name or type.
            data: What it carries: plain values, a dataclass or a msgspec struct.
            key: An idempotency key: with the same key it is published once. Default: a new one.

        Raises:
            EventError: If the name is none.
            EventPayloadError: If the data cannot travel.
        """
        name = name_of_event(event)
        check_name(name)
        try:
            plain = msgspec.to_builtins(data)
        except TypeError as error:
            raise EventPayloadError(f"what event {name} carries cannot travel: {error}") from error
        await self._starter().start(publish_event, Publication(name, plain), id=f"publish:{key or new_id('event')}")


def check_subscribers(subscribers: Sequence[Subscriber]) -> None:
    """Refuse two subscribers of one name: they would share their executions.

    Raises:
        EventError: If there are such.
    """
    seen: dict[str, Subscriber] = {}
    for each in subscribers:
        if seen.setdefault(each.name, each) is not each:
            raise EventError(
                f"two subscribers are called {each.name!r}", hint="Give one another: @subscriber(..., name=...)."
            )


def _unwrapped(released: ReleasedEvent) -> ReleasedEvent:
    if released.name != _PUBLISHED:
        return released
    publication = msgspec.convert(released.data, Publication)
    return replace(released, name=publication.name, data=publication.data)
