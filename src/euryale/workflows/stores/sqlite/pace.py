"""How quick the disk is: whether the event loop may wait for a commit itself."""

from collections.abc import Callable
from typing import Final, TypeVar

from euryale.kit.clock import Clock

C = TypeVar("C")
T = TypeVar("T")
_QUICK: Final = 0.001
_ENOUGH: Final = 16


class Pace:
    """Knows how long the last commits took.

    A commit takes a tenth or two of a millisecond on a good disk, and half as much again if another thread is asked for
    it: much for an execution that waits for each. One that took longer than a millisecond is followed by several that a
    thread does, so that a disk that stalls holds the event loop up once.

    Args:
        clock: What time is measured by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._quick_ones = 0

    @property
    def is_quick(self) -> bool:
        """Whether the last sixteen took no longer than a millisecond each."""
        return self._quick_ones >= _ENOUGH

    def measure(self, function: Callable[[C], T], argument: C) -> T:
        """Call a function, and take note of how long it took; one that fails counts as slow."""
        began, before, self._quick_ones = self._clock.monotonic(), self._quick_ones, 0
        result = function(argument)
        if self._clock.monotonic() - began <= _QUICK:
            self._quick_ones = before + 1
        return result
