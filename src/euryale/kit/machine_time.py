"""What the machine's own clocks say. Apart from ``kit.clock``, for programs that are small: without an event loop."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the machine's wall-clock time, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 -- the one reader of the machine's clock


timestamp = time.time  # noqa: TID251 -- the one reader of the machine's clock
"""Return the machine's wall-clock time, in seconds since the epoch."""

monotonic = time.monotonic
"""Return seconds from an arbitrary start that never go backwards."""


def distance() -> float:
    """Return the seconds between the two: they change when the wall clock is set, or the machine has slept."""
    return timestamp() - monotonic()
