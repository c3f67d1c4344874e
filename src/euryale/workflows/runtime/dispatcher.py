"""The dispatcher: claims executions that have something to do, as many as there is room for, as soon as they have."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from euryale.kit.clock import Clock, Timer
from euryale.workflows.ports import Claim, Store
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.runtime.patience import Patience

_POLL_EVERY = 0.5
_LARGEST_CLAIM = 500

Take = Callable[[Sequence[ExecutionRow]], Awaitable[None]]


class Dispatcher:
    """Looks for work: when told that there is some, when the next is due, when the clock was set, and now and then.

    Args:
        store: Where executions wait.
        clock: The time.
        patience: With a store that is away.
        plans: Gives the hashes of the plans that are known.
        room: Gives how many more executions can be driven.
        take: Is given what was claimed.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        patience: Patience,
        *,
        plans: Callable[[], frozenset[str]],
        room: Callable[[], int],
        take: Take,
    ) -> None:
        self._store = store
        self._clock = clock
        self._patience = patience
        self._plans = plans
        self._room = room
        self._take = take
        self._woken = asyncio.Event()
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        self._starved = False
        self.owner = ""

    def nudge(self, at: float | None = None) -> None:
        """Look at that time, in seconds since the epoch; default: at once."""
        now = self._clock.now().timestamp()
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
        claim = Claim(self.owner, self._clock.now().timestamp(), min(self._room(), _LARGEST_CLAIM), self._plans())
        claimed = await self._store.claim(claim)
        await self._take(claimed.rows)
        now = self._clock.now().timestamp()
        if claimed.next_due is None or claimed.next_due > now:
            latest = now + _POLL_EVERY if self._store.shared else float("inf")
            at = latest if claimed.next_due is None else min(claimed.next_due, latest)
            if at < float("inf"):
                self._set_timer(at, now)
        elif not self._room():
            self._starved = True
        elif claimed.rows or claimed.next_due > claim.now:
            self._woken.set()
        else:  # what is due is not given to it, as it was taken for dead and does not know yet
            self._set_timer(now + _POLL_EVERY, now)

    def freed(self) -> None:
        """Look, if there was more to do than there was room for: there may be room now."""
        if self._starved:
            self._starved = False
            self._woken.set()
