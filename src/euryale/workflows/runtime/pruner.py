"""The pruner: deletes executions whose retention is over, batch by batch, now and then."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from euryale.kit.clock import Clock, pause
from euryale.workflows.errors import StoreError
from euryale.workflows.ports import InsightStore
from euryale.workflows.record.entry import ExecutionRow

_log = logging.getLogger("euryale.workflows")
_BATCH: Final = 500
"""So many executions are deleted in one transaction: others wait no longer than for that."""


class Pruner:
    """Prunes a store. Several workers may do so at a time.

    It has nothing to do, and sets no timer, until executions have ended that have a retention.

    Args:
        store: What is pruned.
        clock: The time.
        now: Gives seconds since the epoch.
        every: The shortest time between two rounds, in seconds.
    """

    def __init__(self, store: InsightStore, clock: Clock, now: Callable[[], float], every: float) -> None:
        self._store = store
        self._clock = clock
        self._now = now
        self._every = every
        self._needed = asyncio.Event()
        self._last_due = 0.0

    def see(self, row: ExecutionRow) -> None:
        """Take in that an execution has ended."""
        if row.retention is not None and row.finished_at is not None:
            self._last_due = max(self._last_due, row.finished_at + row.retention)
            self._needed.set()

    async def run(self) -> None:
        """Prune until cancelled. A store that is away is asked again at the next round."""
        while True:
            await self._needed.wait()
            self._needed.clear()
            await pause(self._clock, self._every)
            try:
                await self.prune()
            except StoreError as error:
                _log.warning("old executions could not be deleted: %s", error)
                self._needed.set()
            if self._last_due > self._now():
                self._needed.set()

    async def prune(self) -> int:
        """Delete all executions whose retention is over; return how many."""
        total, pruned = 0, _BATCH
        while pruned == _BATCH:
            pruned = await self._store.prune(self._now(), _BATCH)
            total += pruned
        if total:
            _log.info("deleted %d executions whose retention is over", total)
        return total
