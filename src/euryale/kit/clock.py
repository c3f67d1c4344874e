"""The one place that reads the time, so that a test can own it."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from euryale.kit import machine_time


class Timer(Protocol):
    """A call that will be made."""

    def cancel(self) -> None:
        """Do not make it; nothing happens if it was made."""
        ...


class Clock(Protocol):
    """A source of time. All of Euryale reads time through one of these."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def timestamp(self) -> float:
        """Return the same as :meth:`now`, in seconds since the epoch: in a fraction of the time."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go backwards."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` in the running event loop when so many seconds have passed."""
        ...

    def on_jump(self, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` each time the wall clock was set, or the machine slept, until cancelled."""
        ...


class SystemClock:
    """The machine's clock. See :class:`Clock`."""

    timestamp = staticmethod(machine_time.timestamp)
    monotonic = staticmethod(machine_time.monotonic)

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return machine_time.utc_now()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` in the running event loop when so many seconds have passed."""
        return asyncio.get_running_loop().call_later(seconds, callback)

    def on_jump(self, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` within seconds each time the wall clock was set, or the machine slept, until cancelled."""
        return _JumpWatch(callback)


class _JumpWatch:
    """Looks now and then whether the wall clock and the monotonic one still go together."""

    _EVERY = 15.0
    _TOLERANCE = 0.5

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._distance = machine_time.distance()
        self._timer = asyncio.get_running_loop().call_later(self._EVERY, self._look)

    def _look(self) -> None:
        distance, before = machine_time.distance(), self._distance
        self._distance = distance
        self._timer = asyncio.get_running_loop().call_later(self._EVERY, self._look)
        if abs(distance - before) > self._TOLERANCE:
            self._callback()  # which may cancel this

    def cancel(self) -> None:
        self._timer.cancel()
        self._callback = _nothing  # who watches refers to this: no cycle is left to be collected


def _nothing() -> None:
    pass


class _ManualTimer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class _ManualWatch:
    def __init__(self, watches: "dict[_ManualWatch, None]", callback: Callable[[], object]) -> None:
        self._watches = watches
        self.callback = callback
        watches[self] = None

    def cancel(self) -> None:
        self._watches.pop(self, None)


class ManualClock:
    """A clock that stands still until it is told to move: for tests.

    Example:
        >>> clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        >>> clock.advance(90)
        >>> clock.now().isoformat()
        '2026-01-01T00:01:30+00:00'
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, _ManualTimer]] = []
        self._number = itertools.count()
        self._jumps: dict[_ManualWatch, None] = {}

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._start + timedelta(seconds=self._elapsed)

    def timestamp(self) -> float:
        """Return the same as :meth:`now`, in seconds since the epoch."""
        return self.now().timestamp()

    def monotonic(self) -> float:
        """Return the seconds it was advanced by in all."""
        return self._elapsed

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` when it was advanced by so many seconds."""
        timer = _ManualTimer(callback)
        heapq.heappush(self._timers, (self._elapsed + max(seconds, 0.0), next(self._number), timer))
        return timer

    def on_jump(self, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` each time its wall clock is set, until cancelled."""
        return _ManualWatch(self._jumps, callback)

    def set_wall_clock(self, forward: float) -> None:
        """Set the wall clock forward, or back if negative, by so many seconds, in which no time passes."""
        self._start += timedelta(seconds=forward)
        for watch in tuple(self._jumps):
            if watch in self._jumps:  # none before it has cancelled it
                watch.callback()

    def next_timer(self) -> float | None:
        """Return the seconds until the next call is due; None if there is none."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] - self._elapsed if self._timers else None

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, and make the calls that are due by then, each at its time.

        Raises:
            ValueError: If ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError("Time passes forward; set_wall_clock() sets the wall clock back.")
        end = self._elapsed + seconds
        while (wait := self.next_timer()) is not None and self._elapsed + wait <= end:
            self._elapsed += wait
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()
        self._elapsed = max(end, self._elapsed)


SYSTEM_CLOCK = SystemClock()


async def pause(clock: Clock, seconds: float) -> None:
    """Return when so many seconds have passed."""
    over = asyncio.Event()
    timer = clock.call_later(seconds, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()


class Alarm:
    """Makes a call once, when the wall clock shows a moment, also if the clock is set meanwhile.

    Args:
        clock: Whose wall clock.
        moment: When, in seconds since the epoch; if that is over, the call is made at once.
        callback: The call.
    """

    def __init__(self, clock: Clock, moment: float, callback: Callable[[], object]) -> None:
        self._clock = clock
        self._moment = moment
        self._callback = callback
        self._jumps = clock.on_jump(self._look)
        self._timer: Timer | None = None
        self._look()

    def _look(self) -> None:
        left = self._moment - self._clock.timestamp()
        self._cancel_timer()
        if left > 0:
            self._timer = self._clock.call_later(left, self._look)
        else:
            self._jumps.cancel()
            self._callback()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def cancel(self) -> None:
        """Do not make the call; nothing happens if it was made."""
        self._jumps.cancel()
        self._cancel_timer()


async def pause_until(clock: Clock, moment: float) -> None:
    """Return when the wall clock shows a moment, in seconds since the epoch, also if it is set meanwhile."""
    over = asyncio.Event()
    alarm = Alarm(clock, moment, over.set)
    try:
        await over.wait()
    finally:
        alarm.cancel()


class Limit:
    """Raises ``TimeoutError`` in the block that it is around after so many seconds, as ``asyncio.timeout`` does.

    Args:
        clock: Whose seconds.
        seconds: How many; None: no limit.
    """

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: Timer | None = None

    @property
    def expired(self) -> bool:
        """Whether it was reached."""
        return self._timeout.expired()

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        if self._seconds is not None:
            self._timer = self._clock.call_later(max(self._seconds, 0.0), self._expire)
        return self

    def _expire(self) -> None:
        self._timeout.reschedule(asyncio.get_running_loop().time())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)
