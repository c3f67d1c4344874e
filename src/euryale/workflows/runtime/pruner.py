"""The pruner: deletes executions whose retention is over, batch by batch, now and then."""

import logging
from collections.abc import Callable
from typing import Final

from euryale.kit.clock import Clock, pause
from euryale.workflows.errors import StoreError
from euryale.workflows.ports import InsightStore

_log = logging.getLogger("euryale.workflows")
_BATCH: Final = 500
"""So many executions are deleted in one transaction: others wait no longer than for that."""


class Pruner:
    """Prunes a store. Several workers may do so at a time.

    Args:
        store: What is pruned.
        clock: The time.
        now: Gives seconds since the epoch.
        every: Seconds between two rounds; the first begins after so many.
    """

    def __init__(self, store: InsightStore, clock: Clock, now: Callable[[], float], every: float) -> None:
        self._store = store
        self._clock = clock
        self._now = now
        self._every = every

    async def run(self) -> None:
        """Prune until cancelled. A store that is away is asked again at the next round."""
        while True:
            await pause(self._clock, self._every)
            try:
                await self.prune()
            except StoreError as error:
                _log.warning("old executions could not be deleted: %s", error)

    async def prune(self) -> int:
        """Delete all executions whose retention is over; return how many."""
        total, pruned = 0, _BATCH
        while pruned == _BATCH:
            pruned = await self._store.prune(self._now(), _BATCH)
            total += pruned
        if total:
            _log.info("deleted %d executions whose retention is over", total)
        return total
