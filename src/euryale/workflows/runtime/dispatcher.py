"""The dispatcher: claims executions that have something to do, as many as there is room for, as soon as they have."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from euryale.kit.clock import Clock, Timer
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.requests import Claim, Claimed
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.registry import Registry

_POLL_EVERY = 0.5
_LARGEST_CLAIM = 500

Take = Callable[[Sequence[ExecutionRow]], Awaitable[None]]


class Dispatcher:
    """Looks for work: when told that there is some, when the next is due, when the clock was set, and now and then.

    Args:
        store: Where executions wait.
        clock: The time.
        patience: With a store that is away.
        registry: The plans and queues that are known.
        room: Gives how many more executions can be driven.
        take: Is given what was claimed.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        patience: Patience,
        registry: Registry,
        *,
        room: Callable[[], int],
        take: Take,
    ) -> None:
        self._store = store
        self._clock = clock
        self._patience = patience
        self._plans = registry.hashes
        self._queues = registry.queues
        self._looks = 0
        self._room = room
        self._take = take
        self._woken = asyncio.Event()
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        self._starved = False
        self.owner = ""

    def nudge(self, at: float | None = None) -> None:
        """Look at that time, in seconds since the epoch; default: at once."""
        now = self._clock.timestamp()
        if at is None or at <= now:
            self._woken.set()
        elif at < self._timer_at:
            self._set_timer(at, now)

    def _set_timer(self, at: float, now: float) -> None:
        self._cancel_timer()
        self._timer_at = at
        self._timer = self._clock.call_later(at - now, self._woken.set)

    def _cancel_timer(self) -> None:
        self._timer_at = float("inf")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def run(self) -> None:
        """Claim until cancelled."""
        jumps = self._clock.on_jump(self._woken.set)
        try:
            while True:
                await self._woken.wait()
                await self._patience.outlast("claiming executions", self.look)
        finally:
            jumps.cancel()
            self._cancel_timer()

    async def look(self) -> None:
        """Claim what there is room for.

        Raises:
            StoreError: If the store is away.
        """
        self._woken.clear()
        self._cancel_timer()
        began = self._clock.timestamp()
        next_due, taken = await self._claim()
        now = self._clock.timestamp()
        if next_due is None or next_due > now:
            latest = now + _POLL_EVERY if self._store.shared else float("inf")
            at = latest if next_due is None else min(next_due, latest)
            if at < float("inf"):
                self._set_timer(at, now)
        elif not self._room():
            self._starved = True
        elif taken or next_due > began:
            self._woken.set()
        else:  # what is due is not given to it, as it was taken for dead and does not know yet
            self._set_timer(now + _POLL_EVERY, now)

    async def _claim(self) -> tuple[float | None, bool]:
        """Claim in queues and outside of them, in turns who is first; return when more is due, and whether some was."""
        self._looks += 1
        claims = [self._claim_outside, self._claim_in_queues] if self._queues.limits else [self._claim_outside]
        dues, taken = [], False
        for claim in claims if self._looks % 2 else reversed(claims):
            room = min(self._room(), _LARGEST_CLAIM)
            now = self._clock.timestamp()
            claimed = await claim(Claim(self.owner, now, room, self._plans(), self._queues.apart))
            await self._take(claimed.rows)
            dues.append(claimed.next_due)
            taken = taken or bool(claimed.rows)
        return min((due for due in dues if due is not None), default=None), taken

    async def _claim_outside(self, claim: Claim) -> Claimed:
        return await self._store.claim(claim)

    async def _claim_in_queues(self, claim: Claim) -> Claimed:
        if not claim.limit:
            self._starved = True
            return Claimed((), None)
        limits = self._queues.limits
        first = self._looks // 2 % len(limits)  # no queue is always the last to be given what room there is
        return await self._store.claim_queued(claim, (*limits[first:], *limits[:first]))

    def freed(self) -> None:
        """Look, if there was more to do than there was room for: there may be room now."""
        if self._starved:
            self._starved = False
            self._woken.set()
