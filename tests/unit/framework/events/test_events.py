"""Names, patterns, subscribers and the dispatcher, with a starter that only takes notes."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from euryale.framework.container import ProviderError
from euryale.framework.events import (
    Dispatcher,
    Event,
    EventError,
    EventPayloadError,
    Events,
    EventType,
    Pattern,
    Publication,
    Subscriber,
    publish_event,
    subscriber,
)
from euryale.framework.events.subscribers import read_event
from euryale.kit.telemetry import Telemetry
from euryale.workflows import ReleasedEvent, Workflow


@dataclass(frozen=True, slots=True)
class Created:
    name: str
    size: int = 0


CREATED = EventType("project.created", Created)


@subscriber(CREATED)
async def on_created(event: Event[Created]) -> None: ...


@subscriber("project.*", "user.deleted", name="audit")
async def on_anything_of_projects(event: Event[Any]) -> None: ...


@subscriber("*")
async def on_all(event: Event) -> None: ...


class Starter:
    def __init__(self) -> None:
        self.started: list[tuple[str, Any, str | None]] = []

    async def start(self, workflow: Workflow[Any, Any], value: Any, *, id: str | None = None) -> object:  # noqa: A002
        self.started.append((workflow.name, value, id))
        return None


def released(name: str, data: Any = None) -> ReleasedEvent:
    return ReleasedEvent("e1", name, data, "x1", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a", True),
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("a.*", "ab.c", False),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool):  # noqa: FBT001 -- a case of the table
    assert Pattern(pattern).matches(name) is matches


@pytest.mark.parametrize("name", ["", "A.b", "a..b", ".a", "a.", "a b", "**", "*.a", "a.*.b"])
def test_what_is_no_name_or_pattern_is_refused(name: str):
    with pytest.raises(EventError, match="is no name of an event"):
        Pattern(name)


def test_data_is_read_as_the_annotation_says():
    event = read_event(released("project.created", {"name": "p"}), on_created.payload)
    assert event.data == Created("p", 0)
    assert read_event(released("x", {"a": 1}), on_all.payload).data == {"a": 1}
    with pytest.raises(EventPayloadError, match="does not carry a Created"):
        read_event(released("project.created", {"name": 7}), Created)


def test_names_and_execution_ids_are_stable():
    assert (on_created.name, on_anything_of_projects.name) == ("on-created", "audit")
    assert on_created.execution_id(released("project.created")) == "on-created:e1"
    long = replace(released("project.created"), id="e" * 200)
    assert on_created.execution_id(long).startswith("on-created:")
    assert len(on_created.execution_id(long)) <= 200
    assert on_created.execution_id(long) != on_created.execution_id(replace(long, id="f" * 200))
    assert on_created.workflow.name == "subscriber:on-created"


async def plain(event: dict[str, Any]) -> None: ...


async def two(event: Event[Any], other: int) -> None: ...


async def none(*, clock: Telemetry) -> None: ...


def not_async(event: Event[Any]) -> None: ...


@pytest.mark.parametrize("function", [plain, two, none, not_async])
def test_what_cannot_be_a_subscriber_is_refused_where_it_is_written(function: Any):
    with pytest.raises(EventError, match=f"subscriber {function.__name__}"):
        subscriber("a")(function)


def test_a_subscriber_names_events_and_annotates_what_it_needs():
    with pytest.raises(EventError, match="names no event"):
        subscriber()(on_created.function)

    with pytest.raises(EventError, match="is no name of a subscriber"):
        subscriber("a", name="x" * 101)(on_created.function)

    async def untold(event: Event[Any], *, url: str) -> None: ...

    with pytest.raises(ProviderError, match="parameter 'url'"):
        subscriber("a")(untold)


ALL = [on_created, on_anything_of_projects, on_all]


def dispatcher(subscribers: list[Subscriber], starter: Starter) -> Dispatcher:
    return Dispatcher(subscribers, lambda: starter, Telemetry())


async def test_each_subscriber_that_wants_an_event_gets_one_execution():
    starter = Starter()
    event = released("project.created", {"name": "p"})
    await dispatcher(ALL, starter).deliver(event)
    assert starter.started == [
        ("subscriber:on-created", event, "on-created:e1"),
        ("subscriber:audit", event, "audit:e1"),
        ("subscriber:on-all", event, "on-all:e1"),
    ]
    assert [each.name for each in dispatcher(ALL, starter).wanting("user.deleted")] == ["audit", "on-all"]


async def test_a_published_event_arrives_under_its_own_name():
    starter = Starter()
    await Events(lambda: starter).publish(CREATED, Created("p"), key="k")
    name, publication, execution_id = starter.started.pop()
    assert (name, execution_id) == (publish_event.name, "publish:k")
    assert publication == Publication("project.created", {"name": "p", "size": 0})
    emitted = released("framework.published", {"name": publication.name, "data": publication.data})
    await dispatcher([on_created], starter).deliver(emitted)
    assert starter.started[0][1] == released("project.created", {"name": "p", "size": 0})


async def test_what_cannot_travel_is_not_published():
    with pytest.raises(EventPayloadError, match="cannot travel"):
        await Events(Starter).publish("a", object())
    with pytest.raises(EventError, match="is no name"):
        await Events(Starter).publish("A!", 1)


def test_two_subscribers_of_one_name_are_refused():
    with pytest.raises(EventError, match="two subscribers are called 'on-created'"):
        dispatcher([on_created, subscriber("x", name="on-created")(on_all.function)], Starter())


def test_an_event_type_may_be_made_with_its_parameter():
    assert EventType[Created]("project.created", Created) == CREATED
