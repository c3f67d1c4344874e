"""An event loop in which no time is waited for: when nothing is left to do, its clock moves on to what is due next."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from euryale.kit.clock import ManualClock

T = TypeVar("T")


class NothingLeftError(RuntimeError):
    """Everything waits, and nothing is due at any time: it would wait for ever."""


class _Selector(selectors.SelectSelector):
    """Waits for no file: moves the clock instead."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return []
        dues = [due for due in (timeout, self._clock.next_timer()) if due is not None]
        if not dues:
            raise NothingLeftError("Everything waits for something that never happens.")
        self._clock.advance(min(dues))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what is ready, in the same order each time; its time is that of a manual clock, which it moves itself.

    For code that does nothing but compute and wait for time: threads, sockets and processes are never heard of.

    Args:
        clock: The clock.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_Selector(clock))
        self._manual = clock

    def time(self) -> float:
        """Return the clock's monotonic time."""
        return self._manual.monotonic()


def run_in_virtual_time(main: Coroutine[Any, Any, T], clock: ManualClock) -> T:
    """Run a coroutine to its end in a :class:`VirtualLoop`, then break off whatever is left.

    Args:
        main: What to run.
        clock: The clock; it is moved as far as is waited for.

    Raises:
        NothingLeftError: If it waits for something that never happens.
    """
    loop = VirtualLoop(clock)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.set_exception_handler(_ignore)  # whatever the rest says while it is broken off
        _break_off(loop)
        loop.close()


def _ignore(_loop: asyncio.AbstractEventLoop, _context: Mapping[str, Any]) -> None:
    """Say nothing."""


def _break_off(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=60))
    loop.run_until_complete(loop.shutdown_asyncgens())
