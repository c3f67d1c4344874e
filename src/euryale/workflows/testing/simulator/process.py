"""A simulated process: it can be killed, stopped, and given a wrong clock."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from euryale.kit.clock import ManualClock, Timer


class Life(Enum):
    """How a worker process is."""

    RUNS = "runs"
    STOPPED = "stopped"
    DEAD = "dead"


class _Callback:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = callback
        self.timer: Timer | None = None

    def cancel(self) -> None:
        self.call = None
        if self.timer is not None:
            self.timer.cancel()


class Process:
    """What decides whether anything goes on in a worker process; and its clock, which may be wrong.

    Attributes:
        name: Its name in the trace.
        life: How it is.
        skew: Seconds by which its wall clock is wrong.
        drained: When it was told to begin nothing more, in true seconds; or None.
    """

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.name = name
        self.life = Life.RUNS
        self.skew = 0.0
        self.drained: float | None = None
        self._clock = clock
        self._thaw = asyncio.Event()
        self._backlog: list[_Callback] = []
        self._watches: list[_Callback] = []

    async def go_on(self) -> None:
        """Return at once while it runs, when it goes on if it is stopped, and never once it is dead."""
        while self.life is Life.STOPPED:
            await self._thaw.wait()
        if self.life is Life.DEAD:
            await asyncio.get_running_loop().create_future()

    async def pause(self, seconds: float) -> None:
        """Return when so many seconds have passed, and it runs then, or goes on later."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def end() -> None:
            if not over.done():
                over.set_result(None)

        self.call_later(seconds, end)
        await over
        if self.life is not Life.RUNS:
            await self.go_on()

    def die(self) -> None:
        """Do nothing more, ever."""
        self.life = Life.DEAD
        self._thaw.set()

    def stop(self) -> None:
        """Do nothing until told otherwise."""
        if self.life is Life.RUNS:
            self.life = Life.STOPPED
            self._thaw.clear()

    def resume(self) -> None:
        """Go on where it was stopped."""
        if self.life is Life.STOPPED:
            self.life = Life.RUNS
            self._thaw.set()
            backlog, self._backlog = self._backlog, []
            for callback in backlog:
                self._fire(callback)

    def set_clock(self, skew: float) -> None:
        """Let its wall clock be wrong by so many seconds from now on."""
        self.skew = skew
        for watch in tuple(self._watches):
            self._fire(watch)

    def now(self) -> datetime:
        """Return what its wall clock shows."""
        return self._clock.now() + timedelta(seconds=self.skew)

    def timestamp(self) -> float:
        """Return what its wall clock shows, in seconds since the epoch."""
        return self.now().timestamp()

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._clock.monotonic()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` when so many seconds have passed, if it runs then, or goes on later."""
        waiting = _Callback(callback)
        waiting.timer = self._clock.call_later(seconds, lambda: self._fire(waiting))
        return waiting

    def on_jump(self, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` each time its wall clock is set."""
        self._watches.append(_Callback(callback))
        return self._watches[-1]

    def _fire(self, callback: _Callback) -> None:
        if self.life is Life.STOPPED:
            self._backlog.append(callback)
        elif self.life is Life.RUNS and callback.call is not None:
            callback.call()
