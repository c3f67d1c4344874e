"""Dues: what was due when it was created stays due, whatever a wall clock shows that was set back, or runs behind."""

import asyncio
from collections.abc import Callable

from euryale.kit.clock import Clock
from euryale.workflows.ports import Store
from euryale.workflows.runtime.patience import Patience

_EVERY = 15.0
_AT_ONCE = 500


class Dues:
    """Has the store make due what this worker's clock would hold up.

    It does so when the worker starts, when its clock was set, and in a store that workers share every fifteen seconds:
    whoever starts executions there may have a clock ahead of this one.

    Args:
        store: Where executions wait.
        clock: The time.
        patience: With a store that is away.
        ready: Called when something became due.
    """

    def __init__(self, store: Store, clock: Clock, patience: Patience, ready: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._patience = patience
        self._ready = ready
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Do it until cancelled."""
        jumps = self._clock.on_jump(self._woken.set)
        try:
            while True:
                self._woken.clear()
                await self._patience.outlast("making executions due", self._make_due)
                await self._until_woken()
        finally:
            jumps.cancel()

    async def _make_due(self) -> None:
        made = _AT_ONCE
        while made == _AT_ONCE:
            made = await self._store.make_due(self._clock.timestamp(), _AT_ONCE)
            if made:
                self._ready()

    async def _until_woken(self) -> None:
        timer = self._clock.call_later(_EVERY, self._woken.set) if self._store.shared else None
        try:
            await self._woken.wait()
        finally:
            if timer is not None:
                timer.cancel()
