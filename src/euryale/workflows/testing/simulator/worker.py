"""A simulated worker process: an engine that can be killed, stopped, and given a wrong clock."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Any, TypeVar

from euryale.kit.clock import ManualClock, Timer, pause
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.engine import Engine
from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Claim, Claimed, Listener, Told
from euryale.workflows.record.entry import Commit, Message
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing.faults import WrappedStore
from euryale.workflows.testing.simulator.course import Disturbances, Trace

T = TypeVar("T")

Guard = Callable[
    [Collection[str], Sequence[Commit], Callable[[], Awaitable[frozenset[int]]]], Awaitable[frozenset[int]]
]
"""Is given the names of whoever writes, what it writes, and what does it."""

_USUAL_CALL = 0.005
_SLOW_CALL = 8.0


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
    """

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.name = name
        self.life = Life.RUNS
        self.skew = 0.0
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
        return self._clock.timestamp() + self.skew

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


class DistantStore(WrappedStore):
    """The store as a worker process sees it: calls take their time, fail, and end with the process.

    Attributes:
        calm: Whether no call fails any more.
        owners: The names under which the process owns executions, or has.
        guard: Sees every write.
    """

    def __init__(
        self, store: MemoryStore, process: Process, random: Random, disturbances: Disturbances, trace: Trace
    ) -> None:
        super().__init__(store)
        self._process = process
        self._random = random
        self._disturbances = disturbances
        self._trace = trace
        self.guard: Guard | None = None
        self._lost: dict[str, None] = {}
        self._kept: dict[int, int] = {}
        self.calm = False
        self.owners: dict[str, None] = {}

    async def open(self) -> None:
        """A connection is made when it is needed."""

    async def close(self) -> None:
        """A connection is let go of."""

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """Pass the call on, under the eyes of the guard."""
        guard = self.guard
        if guard is None:
            return await super().write(commits)
        return await self._pass("write", lambda: guard(self.owners, commits, lambda: self._store.write(commits)))

    async def claim(self, claim: Claim) -> Claimed:
        """Pass the call on; what a claim took whose answer was lost is given with the next."""

        async def take() -> Claimed:
            claimed, again = await self._store.claim(claim), [await self._store.load(each) for each in self._lost]
            lost = [each.row for each in again if each is not None and each.row.owner == claim.owner]
            self._lost.update(dict.fromkeys(row.id for row in claimed.rows))
            return Claimed((*claimed.rows, *lost), claimed.next_due)

        claimed = await self._pass("claim", take)
        self._lost.clear()
        return claimed

    async def post(self, message: Message) -> Told | None:
        """Pass the call on; the very same message again, as the answer was lost, gets the number that it has."""

        async def keep() -> Told | None:
            number, journal = self._kept.get(id(message)), await self._store.load(message.execution_id)
            if number is not None and journal is not None:
                return Told(number, journal.row.status, journal.row.owner)
            told = await self._store.post(message)
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
        await self._travel()
        before = self._draw(self._disturbances.store_failure / 2)
        after = not before and self._draw(self._disturbances.store_failure / 2)
        if before or after:
            self._trace.note(self._process.name, f"{name} fails {'before' if before else 'after'} its effect")
        if before:
            await self._travel()
            raise StoreError("The connection could not be made.")
        result = await call()
        await self._travel()
        if after:
            raise StoreError("The connection was lost.")
        return result

    def _draw(self, chance: float) -> bool:
        return not self.calm and self._random.random() < chance

    async def _travel(self) -> None:
        await self._process.go_on()
        longest = _SLOW_CALL if self._draw(self._disturbances.slow_call) else _USUAL_CALL
        await pause(self._process, self._random.random() * longest)
        await self._process.go_on()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what is announced, unless the process is not there, or the news is lost."""

        def hear(notices: Collection[str]) -> None:
            if self._process.life is Life.RUNS and not self._draw(self._disturbances.store_failure):
                listener(notices)

        return self._store.listen(hear)


class SimulatedWorker:
    """A process with an engine in it.

    Attributes:
        process: The process.
        store: How it sees the store.
        engine: Its engine.
        workflows: Its workflows, by name.
        ready: Whether the engine is open.
    """

    def __init__(
        self, process: Process, store: DistantStore, engine: Engine, workflows: Mapping[str, Workflow[Any, Any]]
    ) -> None:
        self.process = process
        self.store = store
        self.engine = engine
        self.workflows = workflows
        self.ready = False

    async def open(self) -> None:
        """Open the engine, as often as it takes."""
        while not self.ready:
            try:
                await self.engine.open()
                self.ready = True
            except StoreError:
                await pause(self.process, 1.0)

    @property
    def runs(self) -> bool:
        """Whether it can be talked to."""
        return self.ready and self.process.life is Life.RUNS
