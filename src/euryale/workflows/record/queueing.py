"""Who of those that wait in a queue gets a slot. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

_UNLIMITED: Final = 2**62


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What a worker keeps to when it claims executions of a queue.

    Attributes:
        name: The queue.
        concurrency: How many executions have a slot at a time; None: any number.
        worker_concurrency: How many of them one worker drives at a time; None: any number.
        key_concurrency: How many executions of one key have a slot at a time; None: any number.
        rate_limit: How many executions begin in any window of time; None: any number.
        rate_period: The length of the window, in seconds.
    """

    name: str
    concurrency: int | None = None
    worker_concurrency: int | None = None
    key_concurrency: int | None = None
    rate_limit: int | None = None
    rate_period: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an execution enters a queue where others decide whether it may, or are told to end.

    Attributes:
        policy: What happens if others have its key; see :class:`~euryale.workflows.definition.queue.Queue`.
        key_concurrency: As many as this may have the key before another is rejected.
        cancellation: What those are told that are cancelled, encoded.
    """

    policy: Literal["queue", "replace", "cancel", "reject"]
    key_concurrency: int
    cancellation: bytes


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How things stand in a queue.

    Attributes:
        held: How many executions have a slot.
        driven: How many of them the worker that claims owns.
        by_key: How many have a slot, by key; needed only where keys are limited.
        starts: When the last ones began, newest first, in seconds since the epoch: as many as are needed of the window.
    """

    held: int
    driven: int
    by_key: Mapping[str, int] = field(default_factory=dict)
    starts: Sequence[float] = ()


class Admission:
    """Gives out slots to those that are offered, the most urgent first, until there is none left.

    Args:
        limits: What is kept to.
        occupancy: How things stand.
        now: The time, in seconds since the epoch.
        room: How many executions the worker takes at the most.
    """

    def __init__(self, limits: QueueLimits, occupancy: Occupancy, now: float, room: int) -> None:
        self._key_limit = limits.key_concurrency or _UNLIMITED
        self._by_key = dict(occupancy.by_key)
        self._starts = in_window(limits, occupancy.starts, now)
        self._limits = limits
        self._now = now
        self._by_rate = (limits.rate_limit or _UNLIMITED) - len(self._starts)
        self._left = min(
            room,
            (limits.concurrency or _UNLIMITED) - occupancy.held,
            (limits.worker_concurrency or _UNLIMITED) - occupancy.driven,
            self._by_rate,
        )

    @property
    def over(self) -> bool:
        """Whether nobody gets a slot any more."""
        return self._left <= 0

    @property
    def full_keys(self) -> list[str]:
        """The keys of which nobody gets a slot."""
        return [key for key, held in self._by_key.items() if key and held >= self._key_limit]

    def offer(self, key: str) -> bool:
        """Return whether an execution with that key, or with none (an empty string), gets a slot."""
        if self.over or (key and self._by_key.get(key, 0) >= self._key_limit):
            return False
        self._by_key[key] = self._by_key.get(key, 0) + 1
        self._left -= 1
        self._by_rate -= 1
        return True

    @property
    def next_by_rate(self) -> float | None:
        """When the next one may begin, if it is the rate that holds it up, in seconds since the epoch; else None."""
        if self._by_rate > 0:
            return None
        oldest = self._starts[-1] if self._starts else self._now
        return oldest + self._limits.rate_period


def in_window(limits: QueueLimits, starts: Sequence[float], now: float) -> list[float]:
    """Return the starts that count against the rate: of the present window, however a clock was set meanwhile."""
    if limits.rate_limit is None:
        return []
    period = limits.rate_period
    return [at for at in starts if at + period > now and at <= now + period][: limits.rate_limit]
