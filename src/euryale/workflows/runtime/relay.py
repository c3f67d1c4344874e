"""The relay: hands released events on until whoever takes them has done so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from euryale.workflows.ports import Codec, Store
from euryale.workflows.record.entry import StagedEvent

_log = logging.getLogger("euryale.workflows")
_BATCH = 100
_LONGEST_WAIT = 5.0
_FIRST_BACKOFF = 0.1
_LONGEST_BACKOFF = 10.0


@dataclass(frozen=True, slots=True)
class ReleasedEvent:
    """An event of an execution that has succeeded.

    Attributes:
        id: Unique; the same when it is delivered again.
        name: Its name, such as ``project.created``.
        data: What it carries, as plain values.
        execution_id: The execution that emitted it.
        at: When it was emitted.
    """

    id: str
    name: str
    data: Any
    execution_id: str
    at: datetime


Deliver = Callable[[ReleasedEvent], Awaitable[None]]


class Relay:
    """Delivers released events, in order, at least once each."""

    def __init__(self, store: Store, codec: Codec, deliver: Deliver) -> None:
        self._store = store
        self._codec = codec
        self._deliver = deliver
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: something was released."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled. A delivery that fails is repeated, with growing pauses."""
        backoff = _FIRST_BACKOFF
        while True:
            self._woken.clear()
            try:
                delivered = await self._deliver_batch()
                backoff = _FIRST_BACKOFF
            except Exception:  # noqa: BLE001 -- whatever a receiver raises, the event is delivered again
                _log.exception("events could not be delivered; trying again in %.1f s", backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, _LONGEST_BACKOFF)
                continue
            if not delivered:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _deliver_batch(self) -> int:
        events = await self._store.released(_BATCH)
        for event in events:
            await self._deliver(self._read(event))
            await self._store.delivered([event.id])
        return len(events)

    def _read(self, event: StagedEvent) -> ReleasedEvent:
        data = self._codec.decode(event.payload, Any, f"the data of event {event.name}")
        return ReleasedEvent(event.id, event.name, data, event.execution_id, datetime.fromtimestamp(event.at, UTC))
