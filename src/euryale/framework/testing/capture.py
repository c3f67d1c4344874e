"""The events that an application dispatches, kept for a test to look at."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from euryale.framework.events import EVENT_DISPATCHED, EventType
from euryale.framework.events.event import name_of_event
from euryale.kit.telemetry import Telemetry
from euryale.workflows import ReleasedEvent


class EventCapture:
    """Keeps every dispatched event, as long as its ``with`` block lasts.

    Args:
        telemetry: The application's.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._arrived = asyncio.Event()
        self.all: list[ReleasedEvent] = []

    def __enter__(self) -> Self:
        self._detach = self._telemetry.attach(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._detach()

    def named(self, event: str | EventType[Any]) -> list[ReleasedEvent]:
        """Return those of a name, in the order in which they were dispatched."""
        return [each for each in self.all if each.name == name_of_event(event)]

    async def wait_for(self, event: str | EventType[Any], *, within: float = 10.0) -> ReleasedEvent:
        """Return the first event of a name, as soon as it is dispatched.

        Raises:
            AssertionError: If there is none within that many seconds.
        """
        try:
            async with asyncio.timeout(within):
                while not (found := self.named(event)):
                    self._arrived.clear()
                    await self._arrived.wait()
                return found[0]
        except TimeoutError:
            names = sorted({each.name for each in self.all})
            raise AssertionError(f"no event {name_of_event(event)} within {within} s; there were {names}") from None

    def _listen(self, name: str, payload: Mapping[str, Any]) -> None:
        if name == EVENT_DISPATCHED:
            self.all.append(payload["event"])
            self._arrived.set()
