"""Patience with a store that is away: an ordinary event, which no execution must suffer from."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from euryale.workflows.errors import StaleOwnerError, StoreError, StoreLockedError, UnwritableError

T = TypeVar("T")

_log = logging.getLogger("euryale.workflows")
_FINAL: Final = (StaleOwnerError, StoreLockedError, UnwritableError)


class Patience:
    """Repeats what fails because the store is away, until it is back or the engine is closed.

    Args:
        first: Seconds before the first repetition; they double with each one.
        longest: Seconds that a pause never exceeds.
    """

    def __init__(self, *, first: float = 0.02, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._over = asyncio.Event()

    def begin(self) -> None:
        """Be patient from now on."""
        self._over = asyncio.Event()

    def end(self) -> None:
        """Be so no more: what fails from now on has failed, and nobody waits any longer."""
        self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any longer: the engine is being closed."""
        return self._over.is_set()

    async def outlast(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what ``attempt`` returns in the end; it must be safe to repeat.

        Raises:
            StoreError: If repeating does not help, or patience is over.
        """
        pause = self._first
        while True:
            try:
                return await attempt()
            except _FINAL:
                raise
            except StoreError as error:
                if self.is_over:
                    raise
                _log.error("%s failed, trying again in %.2f s: %s", what, pause, error)
            await self._pause(pause)
            pause = min(pause * 2, self._longest)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return
