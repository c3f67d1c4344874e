"""The store as a simulated worker sees it: far away, unreliable, and watched by whoever checks what is promised."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random
from typing import Protocol, TypeVar

from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Listener
from euryale.workflows.record.entry import Commit, Message
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, Told
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.faults import WrappedStore
from euryale.workflows.testing.simulator.course import Disturbances, Trace
from euryale.workflows.testing.simulator.process import Life, Process

T = TypeVar("T")

_USUAL_CALL = 0.005
_SLOW_CALL = 8.0


class Watch(Protocol):
    """Sees what workers do to the store, at the moment at which they do."""

    async def write(
        self, owners: Collection[str], commits: Sequence[Commit], write: Callable[[], Awaitable[frozenset[int]]]
    ) -> frozenset[int]:
        """Somebody who had those names writes."""
        ...

    async def claims(self, claim: Claim, take: Callable[[], Awaitable[Claimed]]) -> Claimed:
        """A worker is given executions."""
        ...

    async def makes_due(self, now: float, make: Callable[[], Awaitable[int]]) -> int:
        """A worker has what its clock would hold up made due."""
        ...

    async def enters_queue(self, entrance: Entrance, enter: Callable[[], Awaitable[Entered]]) -> Entered:
        """An execution enters a queue in which others decide."""
        ...

    async def posts(self, message: Message) -> Told | None:
        """An execution is told something."""
        ...

    def registers(self, name: str, now: float) -> None:
        """A schedule is made known."""
        ...

    def asks(self, process: Process, firing: Firing) -> None:
        """A worker is about to have a tick decided."""
        ...

    async def fires(self, firing: Firing, fire: Callable[[], Awaitable[Fired]]) -> Fired:
        """A tick is decided."""
        ...

    async def retires(self, process: Process, owner: str) -> None:
        """A worker signs off."""
        ...


class DistantStore(WrappedStore):
    """The store as a worker process sees it: calls take their time, fail, and end with the process.

    Attributes:
        calm: Whether no call fails any more.
        owners: The names under which the process owns executions, or has.
    """

    def __init__(
        self,
        store: MemoryStore,
        process: Process,
        random: Random,
        disturbances: Disturbances,
        trace: Trace,
        watch: Watch,
    ) -> None:
        super().__init__(store)
        self._process = process
        self._random = random
        self._disturbances = disturbances
        self._trace = trace
        self._watch = watch
        self._lost: dict[str, None] = {}
        self._kept: dict[int, int] = {}
        self.calm = False
        self.owners: dict[str, None] = {}

    async def open(self) -> None:
        """A connection is made when it is needed."""

    async def close(self) -> None:
        """A connection is let go of."""

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """Pass the call on."""
        return await self._pass(
            "write", lambda: self._watch.write(self.owners, commits, lambda: self._store.write(commits))
        )

    async def claim(self, claim: Claim) -> Claimed:
        """Pass the call on; what a claim took whose answer was lost is given with the next."""

        async def take() -> Claimed:
            claimed = await self._watch.claims(claim, lambda: self._store.claim(claim))
            again = [await self._store.load(each) for each in self._lost]
            lost = [each.row for each in again if each is not None and each.row.owner == claim.owner]
            self._lost.update(dict.fromkeys(row.id for row in claimed.rows))
            return Claimed((*claimed.rows, *lost), claimed.next_due)

        claimed = await self._pass("claim", take)
        self._lost.clear()
        return claimed

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """Pass the call on; what it took is given with the next :meth:`claim`, if the answer is lost."""

        async def take() -> Claimed:
            claimed = await self._watch.claims(claim, lambda: self._store.claim_queued(claim, queues))
            self._lost.update(dict.fromkeys(row.id for row in claimed.rows))
            return claimed

        claimed = await self._pass("claim_queued", take)
        for row in claimed.rows:
            self._lost.pop(row.id, None)
        return claimed

    async def make_due(self, now: float, limit: int) -> int:
        """Pass the call on."""
        make = self._store.make_due
        return await self._pass("make_due", lambda: self._watch.makes_due(now, lambda: make(now, limit)))

    async def enter(self, entrance: Entrance) -> Entered:
        """Pass the call on."""
        enter = self._store.enter
        return await self._pass("enter", lambda: self._watch.enters_queue(entrance, lambda: enter(entrance)))

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """Pass the call on."""

        async def register() -> ScheduleRow:
            self._watch.registers(name, now)
            return await self._store.register(name, cadence, now)

        return await self._pass("register", register)

    async def fire(self, firing: Firing) -> Fired:
        """Pass the call on."""
        self._watch.asks(self._process, firing)
        fire = self._store.fire
        return await self._pass("fire", lambda: self._watch.fires(firing, lambda: fire(firing)))

    async def retire(self, owner: str) -> None:
        """Pass the call on."""

        async def retire() -> None:
            await self._watch.retires(self._process, owner)
            await self._store.retire(owner)

        await self._pass("retire", retire)

    async def post(self, message: Message) -> Told | None:
        """Pass the call on; the very same message again, as the answer was lost, gets the number that it has."""

        async def keep() -> Told | None:
            number, journal = self._kept.get(id(message)), await self._store.load(message.execution_id)
            if number is not None and journal is not None:
                return Told(number, journal.row.status, journal.row.owner)
            told = await self._watch.posts(message)
            if told is not None and told.number:
                self._kept[id(message)] = told.number
            return told

        told = await self._pass("post", keep)
        self._kept.pop(id(message), None)
        return told

    async def enlist(self, owner: str, lease: float) -> None:
        """Make the process known under that name."""
        self.owners[owner] = None
        await super().enlist(owner, lease)

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        if self._process.life is not Life.RUNS:
            await self._process.go_on()
        there = self._random.random() < 0.5  # noqa: PLR2004 -- the way there takes its time, or the way back
        if there:
            await self._travel()
        before = self._draw(self._disturbances.store_failure / 2)
        after = not before and self._draw(self._disturbances.store_failure / 2)
        if before or after:
            self._trace.note(self._process.name, f"{name} fails {'before' if before else 'after'} its effect")
        if before:
            await self._travel()
            raise StoreError("The connection could not be made.")
        result = await call()
        if not there or after:
            await self._travel()
        if after:
            raise StoreError("The connection was lost.")
        return result

    def _draw(self, chance: float) -> bool:
        return not self.calm and self._random.random() < chance

    async def _travel(self) -> None:
        longest = _SLOW_CALL if self._draw(self._disturbances.slow_call) else _USUAL_CALL
        await self._process.pause(self._random.random() * longest)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what is announced, unless the process is not there, or the news is lost."""

        def hear(notices: Collection[str]) -> None:
            if self._process.life is Life.RUNS and not self._draw(self._disturbances.store_failure):
                listener(notices)

        return self._store.listen(hear)
