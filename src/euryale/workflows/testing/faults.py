"""Faults on demand: a process that dies at a store call, a store that is away for a moment, a step that fails."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Listener, Reader, Store
from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, ExecutionQuery, Told

T = TypeVar("T")


class SimulatedCrash(BaseException):
    """The process dies here. No ``Exception``, so that no code takes it for an error that it could deal with."""


@dataclass(frozen=True, slots=True)
class KillPoint:
    """A moment at which a process dies.

    Attributes:
        call: At which call of the store, from 1.
        after: Whether the call takes effect before.
    """

    call: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} call {self.call}"


def kill_points(calls: int) -> Iterator[KillPoint]:
    """Yield every moment at which a process that makes so many store calls may die."""
    for call in range(1, calls + 1):
        yield KillPoint(call, after=False)
        yield KillPoint(call, after=True)


class WrappedStore(ABC):
    """A store around a store, with one place that every call passes through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shared = store.shared
        self.instant = False

    @abstractmethod
    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call, or not."""

    async def open(self) -> None:
        """Open the store itself."""
        await self._store.open()

    async def close(self) -> None:
        """Close the store itself."""
        await self._store.close()

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """Pass the call on."""
        return await self._pass("write", lambda: self._store.write(commits))

    def write_at_once(self, commits: Sequence[Commit]) -> None:  # noqa: ARG002 -- the contract's signature
        """Leave each write to :meth:`write`, which passes through here."""
        return

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """Pass the call on."""
        return await self._pass("load", lambda: self._store.load(execution_id, after=after))

    async def load_all(self, execution_ids: Sequence[str]) -> tuple[Journal, ...]:
        """Pass the call on."""
        return await self._pass("load_all", lambda: self._store.load_all(execution_ids))

    async def claim(self, claim: Claim) -> Claimed:
        """Pass the call on."""
        return await self._pass("claim", lambda: self._store.claim(claim))

    async def enter(self, entrance: Entrance) -> Entered:
        """Pass the call on."""
        return await self._pass("enter", lambda: self._store.enter(entrance))

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """Pass the call on."""
        return await self._pass("claim_queued", lambda: self._store.claim_queued(claim, queues))

    async def make_due(self, now: float, limit: int) -> int:
        """Pass the call on."""
        return await self._pass("make_due", lambda: self._store.make_due(now, limit))

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """Pass the call on."""
        return await self._pass("reclaim", lambda: self._store.reclaim(execution_id, owner))

    async def post(self, message: Message) -> Told | None:
        """Pass the call on."""
        return await self._pass("post", lambda: self._store.post(message))

    async def enlist(self, owner: str, lease: float) -> None:
        """Pass the call on."""
        await self._pass("enlist", lambda: self._store.enlist(owner, lease))

    async def renew(self, owner: str, lease: float) -> bool:
        """Pass the call on."""
        return await self._pass("renew", lambda: self._store.renew(owner, lease))

    async def retire(self, owner: str) -> None:
        """Pass the call on."""
        await self._pass("retire", lambda: self._store.retire(owner))

    async def reap(self) -> tuple[str, ...]:
        """Pass the call on."""
        return await self._pass("reap", self._store.reap)

    async def told(self, owner: str) -> Mapping[str, int]:
        """Pass the call on."""
        return await self._pass("told", lambda: self._store.told(owner))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Listen to the store itself."""
        return self._store.listen(listener)

    async def announce(self, notices: Collection[str]) -> None:
        """Pass the call on."""
        await self._pass("announce", lambda: self._store.announce(notices))

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """Pass the call on."""
        return await self._pass("register", lambda: self._store.register(name, cadence, now))

    async def fire(self, firing: Firing) -> Fired:
        """Pass the call on."""
        return await self._pass("fire", lambda: self._store.fire(firing))

    async def scheduled(self) -> tuple[ScheduleRow, ...]:
        """Pass the call on."""
        return await self._pass("scheduled", self._store.scheduled)

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """Pass the call on."""
        return await self._pass("released", lambda: self._store.released(limit))

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """Pass the call on."""
        await self._pass("delivered", lambda: self._store.delivered(event_ids))

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """Pass the call on."""
        return await self._pass("list", lambda: self._store.list(query))

    def reader(self) -> Reader:
        """Pass it on."""
        return self._store.reader()

    async def prune(self, now: float, limit: int) -> int:
        """Pass the call on."""
        return await self._pass("prune", lambda: self._store.prune(now, limit))


class CrashingStore(WrappedStore):
    """A store whose process dies at one of its calls: that call and all later ones raise :class:`SimulatedCrash`.

    Args:
        store: The store itself; it outlives the crash, as a disk does.
        kill: When; default: never, so that the calls are counted.

    Attributes:
        calls: The names of the calls so far.
        crashed: Set when the process has died.
    """

    def __init__(self, store: Store, kill: KillPoint | None = None) -> None:
        super().__init__(store)
        self._kill = kill
        self.calls: list[str] = []
        self.crashed = asyncio.Event()

    async def retire(self, owner: str) -> None:
        """Pass the call on; the dead do not sign off, so that an engine over a crashed store can be closed."""
        if not self.crashed.is_set():
            await super().retire(owner)

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        if self.crashed.is_set():
            raise SimulatedCrash
        self.calls.append(name)
        if self._kill is None or len(self.calls) != self._kill.call:
            result = await call()
            if self.crashed.is_set():  # it died while this call was under way: nobody hears of its result
                raise SimulatedCrash
            return result
        if self._kill.after:
            await call()
        self.crashed.set()
        raise SimulatedCrash


class FlakyStore(WrappedStore):
    """A store that is away when it is told to be.

    Attributes:
        failures: How many calls have failed.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._times: Counter[str] = Counter()
        self._after: set[str] = set()
        self.failures = 0

    def fail(self, call: str, *, times: int = 1, after: bool = False) -> None:
        """Let the next calls of that name fail with a ``StoreError``.

        Args:
            call: The name of a method, such as ``write``.
            times: How many; negative: all, until told otherwise.
            after: Whether they take effect before they fail, as when a connection is lost before the answer.
        """
        self._times[call] = times
        (self._after.add if after else self._after.discard)(call)

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        if not self._times[name]:
            return await call()
        self._times[name] -= 1
        self.failures += 1
        if name in self._after:
            await call()
        raise StoreError(f"The store is away ({name}).")


class FaultSwitch:
    """Makes named places fail a number of times: a step or a provider asks it at each call.

    Example:
        >>> faults = FaultSwitch()
        >>> faults.fail("database", times=2)
        >>> faults.check("database")
        Traceback (most recent call last):
        RuntimeError: database fails on demand
    """

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._errors: dict[str, Exception] = {}
        self.checked: Counter[str] = Counter()

    def fail(self, name: str, *, times: int = 1, error: Exception | None = None) -> None:
        """Let the next calls at that place fail.

        Args:
            name: The place.
            times: How many calls; negative: all, until told otherwise.
            error: What is raised; default: a ``RuntimeError`` that says so.
        """
        self._times[name] = times
        self._errors[name] = error or RuntimeError(f"{name} fails on demand")

    def check(self, name: str) -> None:
        """Raise if that place is to fail now.

        Raises:
            Exception: What :meth:`fail` was given.
        """
        self.checked[name] += 1
        if self._times[name]:
            self._times[name] -= 1
            raise self._errors[name]
