"""Subscribers: functions that are run, durably, for each event they want."""

import hashlib
import inspect
import re
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from euryale.framework.container import Container
from euryale.framework.container.signature import hints_of, key_of, name_of, needs_of, place_of
from euryale.framework.events.errors import EventError, EventPayloadError
from euryale.framework.events.event import Event, EventType, Pattern, name_of_event
from euryale.workflows import PermanentFailure, ReleasedEvent, Retry, Workflow, inject, step, workflow

DEFAULT_RETRY: Final = Retry(max_attempts=8, initial=1.0, factor=2.0, max_interval=60.0)
DEFAULT_TIMEOUT: Final = 60.0
RETENTION: Final = timedelta(days=7)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A function and the events it wants; made by :func:`subscriber`.

    Attributes:
        name: Unique in an application and stable: it is part of the ids of the executions.
        patterns: The events it wants.
        function: What is run.
        payload: What the event's data is read as.
        workflow: The workflow, of one step, that runs it.
    """

    name: str
    patterns: tuple[Pattern, ...]
    function: Callable[..., Awaitable[None]]
    payload: Any
    workflow: Workflow[ReleasedEvent, None]

    def wants(self, name: str) -> bool:
        """Return whether it is to be run for events of that name."""
        return any(pattern.matches(name) for pattern in self.patterns)

    def execution_id(self, event: ReleasedEvent) -> str:
        """Return the id of the execution that runs it for one event: the same at each delivery.

        It is ``<name>:<event id>``; an event id that would make it too long gives way to its digest.
        """
        plain = f"{self.name}:{event.id}"
        if len(plain) <= _LONGEST_ID:
            return plain
        return f"{self.name}:{hashlib.sha256(event.id.encode()).hexdigest()}"


def subscriber(
    *events: str | EventType[Any],
    name: str = "",
    retry: Retry = DEFAULT_RETRY,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Callable[[Callable[..., Awaitable[None]]], Subscriber]:
    """Let a coroutine function be run for each event of these names.

    For each event it is one workflow execution with the id ``<name>:<event id>``: it is tried again when it raises,
    survives a crash, and can be seen. It may run more than once, so what it does must be safe to repeat. Its first
    parameter is the event; its keyword-only parameters are injected by their annotations.

    Args:
        events: Names, event types, ``"project.*"`` or ``"*"``.
        name: What it is called. Default: the function's name, with dashes.
        retry: When it is tried again. Default: 8 attempts, over about three minutes.
        timeout: Seconds that one attempt may take. Default: 60.

    Raises:
        EventError: If the function cannot be one.

    Example:
        >>> @subscriber("project.created")
        ... async def welcome(event: Event[ProjectCreated], *, mailer: Mailer) -> None:
        ...     await mailer.send(event.data.owner, "Your project is ready.")
    """

    def decorate(function: Callable[..., Awaitable[None]]) -> Subscriber:
        chosen = name or getattr(function, "__name__", "").replace("_", "-")
        payload = _payload_of(function)
        needs_of(function, only_keywords=True)
        if not events:
            raise EventError(f"subscriber {chosen!r} names no event", hint='Write @subscriber("project.created").')
        if not _NAME.fullmatch(chosen):
            raise EventError(
                f"{chosen!r} is no name of a subscriber", hint="Use at most 100 letters, digits, dots and dashes."
            )
        patterns = tuple(Pattern(name_of_event(event)) for event in events)
        run = _workflow_of(chosen, function, payload, retry, timeout)
        return Subscriber(chosen, patterns, function, payload, run)

    return decorate


def read_event(released: ReleasedEvent, payload: Any) -> Event[Any]:
    """Return an event with its data read as the type a subscriber wants.

    Raises:
        EventPayloadError: If the data does not fit.
    """
    try:
        data = released.data if payload is Any else msgspec.convert(released.data, payload)
    except msgspec.ValidationError as error:
        raise EventPayloadError(f"event {released.name} does not carry a {name_of(payload)}: {error}") from error
    return Event(released.id, released.name, data, released.execution_id, released.at)


def _workflow_of(
    name: str, function: Callable[..., Awaitable[None]], payload: Any, retry: Retry, timeout: float | None
) -> Workflow[ReleasedEvent, None]:
    @step(name="handle", retry=retry, timeout=timeout)
    async def handle(event: ReleasedEvent, *, container: Container = inject()) -> None:
        try:
            wanted = read_event(event, payload)
        except EventPayloadError as error:
            raise PermanentFailure(error.message) from error
        async with container.call() as call:
            await call.invoke(function, wanted)

    @workflow(f"subscriber:{name}", retention=RETENTION)
    def run_subscriber(event: ReleasedEvent) -> None:
        handle(event)

    return run_subscriber


def _payload_of(function: Callable[..., Awaitable[None]]) -> Any:
    where = f"subscriber {name_of(function)} ({place_of(function)})"
    if not inspect.iscoroutinefunction(function):
        raise EventError(f"{where} is not a coroutine function", hint="Write async def.")
    parameters = list(inspect.signature(function).parameters.values())
    positional = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    first = key_of(hints_of(function).get(positional[0].name)) if positional else None
    if len(positional) != 1 or (typing.get_origin(first) or first) is not Event:
        raise EventError(
            f"{where} does not take an event",
            hint="Its one positional parameter is the event, as in event: Event[ProjectCreated];"
            " what is to be injected comes after a *.",
        )
    return (*typing.get_args(first), Any)[0]
