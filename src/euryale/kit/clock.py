"""The one place that reads the time, so that a test can own it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time. All of Euryale reads time through one of these."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go backwards."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 -- the one reader of the machine's clock

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go backwards."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is told to move: for tests.

    Example:
        >>> clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        >>> clock.advance(90)
        >>> clock.now().isoformat()
        '2026-01-01T00:01:30+00:00'
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds it was advanced by in all."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds`` (negative values move only the wall clock, as a machine's clock may)."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += max(seconds, 0.0)


SYSTEM_CLOCK = SystemClock()


def utc_now() -> datetime:
    """Return the machine's wall-clock time, aware, in UTC."""
    return SYSTEM_CLOCK.now()
