"""Days that pass in milliseconds: an engine whose clock a test moves."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from euryale.kit.clock import ManualClock
from euryale.workflows.definition.checks import seconds
from euryale.workflows.engine import Engine

_QUIET_ROUNDS: Final = 25
"""So many rounds of the event loop without news count as rest."""


class PassingTime:
    """Moves the clock of an engine, and lets what is due happen before it moves on.

    For steps that do not wait for the world outside: while one does, it counts as at rest.

    Args:
        engine: The engine; over a ``MemoryStore``.
        clock: Its clock.

    Example:
        >>> clock = ManualClock()
        >>> async with Engine(MemoryStore(), workflows=[remind], clock=clock) as engine:
        ...     handle = await engine.start(remind, "ann")  # it sleeps for 30 days
        ...     await PassingTime(engine, clock).advance(timedelta(days=30))
        ...     assert await handle.status() is Status.SUCCEEDED
    """

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self._engine = engine
        self._clock = clock
        self._news = 0

    async def advance(self, duration: float | timedelta) -> None:
        """Let time pass: each timer of the engine goes off at its time, and what follows from it happens then.

        Args:
            duration: Seconds, or a timedelta.
        """
        left = seconds(duration, "advance: duration")
        await self.settle()
        while (wait := self._clock.next_timer()) is not None and wait <= left:
            self._clock.advance(wait)
            left -= wait
            await self.settle()
        self._clock.advance(left)
        await self.settle()

    async def settle(self) -> None:
        """Return when nothing happens any more without time passing."""
        end = self._engine.telemetry.attach(self._hear)
        try:
            quiet = 0
            while quiet < _QUIET_ROUNDS:
                before = self._news
                await asyncio.sleep(0)
                quiet = quiet + 1 if self._news == before else 0
        finally:
            end()

    def _hear(self, _name: str, _payload: Mapping[str, Any]) -> None:
        self._news += 1
