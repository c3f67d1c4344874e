"""What the machine's own clocks say. Apart from ``kit.clock``, for programs that are small: without an event loop."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the machine's wall-clock time, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 -- the one reader of the machine's clock


def timestamp() -> float:
    """Return the machine's wall-clock time, in seconds since the epoch: as many microseconds as :func:`utc_now` has."""
    return time.time_ns() // 1000 / 1e6  # noqa: TID251 -- the one reader of the machine's clock


monotonic = time.monotonic
"""Return seconds from an arbitrary start that never go backwards."""


def distance() -> float:
    """Return the seconds between the two: they change when the wall clock is set, or the machine has slept."""
    return timestamp() - monotonic()
