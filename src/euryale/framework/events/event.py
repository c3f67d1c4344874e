"""Events: something that has happened, with a name and what is known of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from euryale.framework.events.errors import EventError

P = TypeVar("P")

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")


@dataclass(frozen=True)  # slots would refuse Event[...](...) in Python 3.11
class Event(Generic[P]):
    """One thing that has happened, as a subscriber receives it.

    Attributes:
        id: Unique; the same when it is delivered again.
        name: Its name, such as ``project.created``.
        data: What it carries: of the type that the subscriber's annotation names, plain values for ``Any``.
        execution_id: The workflow execution that emitted it.
        at: When it was emitted.
    """

    id: str
    name: str
    data: P
    execution_id: str
    at: datetime


@dataclass(frozen=True)  # slots would refuse EventType[...](...) in Python 3.11
class EventType(Generic[P]):
    """The name of an event together with the type of what it carries.

    Attributes:
        name: Lower-case words with dots between them.
        payload: A dataclass, a msgspec struct or plain values.

    Raises:
        EventError: If the name is none.

    Example:
        >>> PROJECT_CREATED = EventType("project.created", ProjectCreated)
    """

    name: str
    payload: type[P]

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which events a subscriber wants: a name, ``project.*`` (all below a name) or ``*`` (all).

    Raises:
        EventError: If it is none of these.
    """

    text: str

    def __post_init__(self) -> None:
        if self.text != "*":
            check_name(self.text.removesuffix(".*"))

    def matches(self, name: str) -> bool:
        """Return whether an event of that name is wanted."""
        if self.text == "*":
            return True
        if self.text.endswith(".*"):
            return name.startswith(self.text[:-1])
        return name == self.text


def check_name(name: str) -> None:
    """Refuse what is no name of an event.

    Raises:
        EventError: If it is not lower-case words with dots between them.
    """
    if not _NAME.fullmatch(name):
        raise EventError(
            f"{name!r} is no name of an event", hint='Use lower-case words with dots, as in "project.created".'
        )


def name_of_event(event: str | EventType[Any]) -> str:
    """Return the name of an event that is given by name or by type."""
    return event.name if isinstance(event, EventType) else event
