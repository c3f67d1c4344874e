"""Membership: a worker lives in its store as long as it renews its lease, and takes over from those that do not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from euryale.kit.clock import Clock, pause
from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Store

_log = logging.getLogger("euryale.workflows")
_RENEWALS = 3
"""How many renewals there are in a lease: two of them may be lost."""


class Membership:
    """Keeps a worker's lease.

    Args:
        store: Where workers are known.
        clock: The time.
        lease: Seconds after which a worker that does not renew is taken for dead.
        reaped: Called when others were found dead: what they owned is due.
        lost: Called when this worker was taken for dead: nothing is its own any more. It becomes a worker under another
            name before anything else is done: one that was renewed twice under the old one would become two.
        looked: Called at each renewal.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lease: float,
        *,
        reaped: Callable[[], None],
        lost: Callable[[], Awaitable[None]],
        looked: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._reaped = reaped
        self._lost = lost
        self._looked = looked
        self.owner = ""

    async def join(self, owner: str) -> None:
        """Become a worker of that name.

        Raises:
            StoreError: If the store cannot be reached.
        """
        await self._store.enlist(owner, self._lease)
        self.owner = owner

    async def run(self) -> None:
        """Renew, and look for the dead, until cancelled. A store that is away is asked again at the next turn."""
        while True:
            await pause(self._clock, self._lease / _RENEWALS)
            try:
                await self._turn()
            except StoreError as error:
                _log.warning("the lease of %s could not be renewed: %s", self.owner, error)

    async def _turn(self) -> None:
        if not await self._store.renew(self.owner, self._lease):
            _log.error("worker %s was taken for dead; others have taken its executions over", self.owner)
            await self._lost()
            return
        if dead := await self._store.reap():
            _log.warning("workers found dead, their executions go on: %s", ", ".join(dead))
            self._reaped()
        self._looked()


class Announcer:
    """Tells other workers what happened, many things at once, off the way of those to whom it happened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._notices: dict[str, None] = {}
        self._woken = asyncio.Event()

    def add(self, notice: str) -> None:
        """Tell the others soon; see :data:`~euryale.workflows.ports.Listener`."""
        if self._store.shared:
            self._notices[notice] = None
            self._woken.set()

    async def run(self) -> None:
        """Tell until cancelled. What cannot be told is not: everybody looks now and then, too."""
        while True:
            await self._woken.wait()
            await self.flush()

    async def flush(self) -> None:
        """Tell what there is to tell."""
        self._woken.clear()
        notices, self._notices = tuple(self._notices), {}
        if not notices:
            return
        try:
            await self._store.announce(notices)
        except StoreError as error:
            _log.warning("%d notices could not be sent: %s", len(notices), error)
