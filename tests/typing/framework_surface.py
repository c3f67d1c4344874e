"""What a type checker must accept of the framework, without any ignore."""

from dataclasses import dataclass
from typing import Any, Protocol, assert_type

from fastapi import APIRouter

from euryale.framework.config import SecretField, Settings, load
from euryale.framework.container import Call, Container, provide, supplied, value
from euryale.framework.events import Event, Events, EventType, Subscriber, subscriber
from euryale.framework.http import Inject, Page, Paging
from euryale.kit.secret import Secret
from euryale.workflows import Engine, Resolver
from euryale.workflows.stores.memory import MemoryStore


class Clock(Protocol):
    """A Protocol as a key."""

    def now(self) -> int:
        """Return the time."""
        ...


class FixedClock:
    """A member of the Protocol."""

    def now(self) -> int:
        """Return the time."""
        return 7


class Hello(Settings):
    """Settings."""

    token: SecretField


@dataclass(frozen=True, slots=True)
class Created:
    """A payload."""

    name: str


CREATED = EventType("created", Created)
PROVIDERS = [provide(FixedClock, as_=Clock), value(FixedClock(), as_=Clock), supplied(Clock)]
router = APIRouter()


@router.get("/")
async def show(clock: Inject[Clock]) -> int:
    """Use an injected Protocol."""
    assert_type(clock, Clock)
    return clock.now()


@subscriber(CREATED)
async def on_created(event: Event[Created], *, clock: Clock) -> None:
    """Receive a typed event."""
    assert_type(event.data, Created)
    clock.now()


async def surface(container: Container, call: Call, events: Events) -> None:
    """Use what users use."""
    assert_type(container.resolve(Clock), Clock)
    assert_type(container.resolve(FixedClock), FixedClock)
    assert_type(await call.get(Clock), Clock)
    assert_type(load(Hello, prefix="hello").token, Secret)
    assert_type(on_created, Subscriber)
    await events.publish(CREATED, Created("x"))
    await events.publish("created", {"name": "x"})
    assert_type(Page[str].of([1], Paging(), item=str, key=lambda row: row), Page[str])
    resolver: Resolver = container
    Engine(MemoryStore(), services=resolver)


async def refused(container: Container, events: Events) -> None:
    """Do what must not check: an unused ignore here is an error."""
    await events.publish(CREATED, 7)  # type: ignore[misc]
    clock: FixedClock = container.resolve(Clock)  # type: ignore[assignment]
    _: Any = clock
