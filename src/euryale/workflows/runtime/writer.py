"""The one writer of a process: takes the commits that wait, from all executions, and writes them as one."""

import asyncio
import logging
from collections.abc import Sequence

from euryale.workflows.errors import StaleOwnerError, StoreError
from euryale.workflows.ports import JournalStore
from euryale.workflows.record.entry import Commit

_log = logging.getLogger("euryale.workflows")
_LARGEST_BATCH = 512


class Writer:
    """Group commit: it writes as soon as it is idle, so a lone execution waits for nobody."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._waiting: list[tuple[Commit, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, commit: Commit) -> None:
        """Return when the commit is durable. It is written even if the caller is cancelled meanwhile.

        Raises:
            StaleOwnerError: If it was refused.
            StoreError: If the store failed.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((commit, done))
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush(), name="euryale-writer")
        await asyncio.shield(done)

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
                await self._write(batch)
        finally:
            self._flushing = None

    async def _write(self, batch: Sequence[tuple[Commit, asyncio.Future[None]]]) -> None:
        try:
            refused = await self._store.write([commit for commit, _ in batch])
        except Exception as error:  # noqa: BLE001 -- every waiter must hear of it
            failure = error if isinstance(error, StoreError) else StoreError(f"The store failed: {error!r}")
            _log.error("a batch of %d commits could not be written: %s", len(batch), failure)
            for _, done in batch:
                _settle(done, failure)
            return
        for commit, done in batch:
            stale = commit.execution_id in refused
            _settle(done, StaleOwnerError(f"{commit.execution_id} is not ours any more.") if stale else None)

    async def drain(self) -> None:
        """Wait until all that was handed in is written."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])


def _settle(done: asyncio.Future[None], error: StoreError | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # a waiter that was cancelled does not look at it: it is logged above
