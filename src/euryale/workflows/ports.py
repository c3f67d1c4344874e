"""What the engine needs from outside: small contracts, kept by the members of ``stores``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.requests import Claim, Claimed, Entered, Entrance, ExecutionQuery, Standing, Told

T = TypeVar("T")


class JournalStore(Protocol):
    """Where executions are written. Every promise holds across a crash of the process at any instant.

    Attributes:
        shared: Whether workers of several processes use it at the same time.
        instant: Whether each write is made within :meth:`write_at_once`, and nothing is gained by writing several
            commits together.
    """

    shared: bool
    instant: bool

    async def open(self) -> None:
        """Make it ready, creating or migrating its schema.

        Raises:
            StoreLockedError: If another process owns it.
            UnusableStoreError: If what is there is no store, or none that can be used.
            StoreError: If it cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Let go of it. May be called twice, or before ``open``."""
        ...

    async def write(self, commits: Sequence[Commit]) -> frozenset[int]:
        """Write each commit whole or not at all, in order, durably: when this returns, nothing of it is lost.

        Writing the same commit again changes nothing and is no refusal: after an error that leaves open whether it was
        written (a lost connection, say) it is simply repeated. So an execution to create that exists already, with the
        very same row and nothing journaled, counts as created.

        Returns:
            The positions of the commits that were refused: an execution to create exists, its own does not, or has
            another epoch; or a cancellation was kept of which its worker has not heard.

        Raises:
            UnwritableError: If a commit among them can never be written; nothing of any of them was.
            StoreError: If the store cannot be reached or is full; it may be tried again.
        """
        ...

    def write_at_once(self, commits: Sequence[Commit]) -> frozenset[int] | None:
        """Do what :meth:`write` does, within this very call, if that takes no longer than a moment.

        Returns:
            As :meth:`write` does; None: it would take longer, and nothing was written.

        Raises:
            StoreError: As :meth:`write` does.
        """
        ...

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """Return what is known of an execution, with the entries after that number; None if there is none."""
        ...

    async def load_all(self, execution_ids: Sequence[str]) -> tuple[Journal, ...]:
        """Return what is known of many executions, in one round trip and in any order; nothing of those unknown."""
        ...

    async def claim(self, claim: Claim) -> Claimed:
        """Give a worker executions that nobody owns and that are due: those of the highest priority, then the oldest.

        One that was pending is running from then on. One that waits in a queue is not given; nor is one with a slot in
        a queue of ``claim.apart``. What was taken by a call that failed, as its answer was lost, is given with the
        worker's next one.
        """
        ...

    async def enter(self, entrance: Entrance) -> Entered:
        """Create an execution in its queue, as the queue's policy says.

        What is decided and what is written is one: nobody enters that queue, or gets a slot of it, in between.
        """
        ...

    async def claim_queued(self, claim: Claim, queues: Sequence[QueueLimits]) -> Claimed:
        """Give a worker executions of these queues that are due.

        First those with a slot that nobody owns, of queues that limit what one worker drives. Then those that wait,
        each with a slot from now on: of each queue the highest priority first, then the oldest, passing over those
        whose key is full. However many claim at once, no limit is exceeded. Queues come in the order given.
        """
        ...

    async def make_due(self, now: float, limit: int) -> int:
        """Make due at ``now`` what nobody has begun, and was due when it was created, but is not by that clock.

        That is what was created by a clock that has been set back since, or that is ahead of this one. It is still
        known as such afterwards, should a clock be set back again. What was started with a delay keeps it.

        Args:
            now: The worker's time, in seconds since the epoch.
            limit: How many at the most; the oldest first.

        Returns:
            How many.
        """
        ...

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """Give a worker one execution that nobody owns, due or not, ended or not; its epoch goes up by one.

        Returns:
            The row; as it is, if a worker owns it, or it waits in a queue. None if there is none.
        """
        ...

    async def post(self, message: Message) -> Told | None:
        """Keep a message for an execution that has neither ended nor turned; None if there is no such execution.

        One of the kind ``undone`` is kept for an execution that is being undone, or was not undone wholly.

        If nobody owns the execution, and it has begun or is cancelled, it is due at once: one that waits in a queue
        waives its slot if it is cancelled. Where an answer may be lost, the very same message again gets the number
        that it has.
        """
        ...


class FleetStore(Protocol):
    """The workers that use a store, and what they tell each other."""

    async def enlist(self, owner: str, lease: float) -> None:
        """Make a worker known. It lives as long as it renews its lease.

        In a store that workers share, one that is not known (any more) is given no execution and creates none for
        itself: nobody would ever take over from it.

        In a store that one process owns, whoever was enlisted before is dead: as :meth:`reap` says.

        Args:
            owner: Its name; never used before.
            lease: Seconds.
        """
        ...

    async def renew(self, owner: str, lease: float) -> bool:
        """Prolong a worker's lease; False if it was taken for dead: nothing is its own any more."""
        ...

    async def retire(self, owner: str) -> None:
        """Forget a worker; what it owned is nobody's, under the next epoch, and due at once if it has not ended."""
        ...

    async def reap(self) -> tuple[str, ...]:
        """Forget the workers whose lease is over; what they owned is due at once, under the next epoch."""
        ...

    async def told(self, owner: str) -> Mapping[str, int]:
        """Return how many messages each execution of a worker was sent, by id."""
        ...

    def listen(self, listener: "Listener") -> Callable[[], None]:
        """Call ``listener`` with what other workers announce; return what ends it. Some may be lost: look, too."""
        ...

    async def announce(self, notices: Collection[str]) -> None:
        """Tell all other workers; see :data:`Listener`."""
        ...


Listener = Callable[[Collection[str]], None]
"""Takes notices: ``ready`` (an execution may be claimed), ``told <id>`` (one was sent a message), ``ended <id>``."""


class ScheduleStore(Protocol):
    """How far schedules are."""

    async def register(self, name: str, cadence: str, now: float) -> ScheduleRow:
        """Make a schedule known, or give it another cadence; return it as it is then.

        Of a new one, and of one with another cadence, no tick up to ``now`` fires any more; else nothing changes.
        """
        ...

    async def fire(self, firing: Firing) -> Fired:
        """Do what :func:`~euryale.workflows.record.schedule.decide` says, all or nothing, however many ask at once.

        The execution that is created is owned by nobody. On ``firing.terms`` it enters its queue as ``enter`` says; if
        it is not let in, the tick is skipped. A schedule that is not known is made known, up to this tick.
        Doing it again changes nothing: by a tick it is late then, by hand the execution is known.
        """
        ...

    async def scheduled(self) -> tuple[ScheduleRow, ...]:
        """Return all schedules, by name."""
        ...


class OutboxStore(Protocol):
    """Where released events wait for their delivery."""

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """Return events that were released and not delivered yet, oldest first."""
        ...

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """Forget events."""
        ...


class Reader(Protocol):
    """Reads executions, and owns and changes nothing."""

    async def open(self) -> None:
        """Make it ready.

        Raises:
            UnusableStoreError: If what is there is no store, or none that can be used.
            StoreError: If there is nothing to read.
        """
        ...

    async def close(self) -> None:
        """Let go of it. May be called twice, or before ``open``."""
        ...

    async def load(self, execution_id: str, *, after: int = 0) -> Journal | None:
        """Return what is known of an execution, with the entries after that number; None if there is none."""
        ...

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """Return executions, newest first."""
        ...


class InsightStore(Protocol):
    """Read-only views for lists and dashboards, and the removal of what is old."""

    def reader(self) -> Reader:
        """Return what reads the same executions, also while another process owns the store; it is not open yet."""
        ...

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """Return executions, newest first."""
        ...

    async def prune(self, now: float, limit: int) -> int:
        """Delete up to ``limit`` root executions, with their children, whose retention is over; return how many.

        Those that ended ``failed`` stay: something is left that a person must look at.
        """
        ...


class Store(JournalStore, FleetStore, ScheduleStore, OutboxStore, InsightStore, Protocol):
    """All that a store does."""


@runtime_checkable
class TransactionStore(Protocol):
    """A store that can take part in a transaction of its caller, as it is in the same database."""

    async def create_in(self, session: object, row: ExecutionRow, limit: int | None = None) -> Standing | None:
        """Create an execution that nobody owns, inside of a transaction that the caller has begun and will end.

        Others that have its dedup key, or its key and a limit, wait for the end of that transaction: to decide about
        them, and the start itself, is one.

        Args:
            session: The caller's.
            row: The execution.
            limit: As many as this may have its key in its queue before it is rejected; None: any number.

        Returns:
            None if it was created: it exists from the moment at which the caller commits, and workers are told then.
            Else what stands in its way: it exists, or was created in that transaction.

        Raises:
            TransactionError: If that is no open transaction in the same database; or if others decide, and the
                transaction sees only what was committed before it began.
        """
        ...


class Codec(Protocol):
    """Turns values into bytes and back."""

    def check(self, wanted: Any, what: str) -> None:
        """Refuse an annotated type whose values could never be encoded or decoded; ``what`` names it in errors.

        Raises:
            PayloadError: If they could not.
        """
        ...

    def encode(self, value: Any, what: str, wanted: Any = Any) -> bytes:
        """Encode; ``what`` names the value in errors, ``wanted`` is the annotation under which it will be read.

        Raises:
            PayloadError: If the value is of a type that cannot travel, or could not be read back.
        """
        ...

    def keep(self, value: Any, what: str, wanted: Any) -> tuple[bytes, Any]:
        """Encode as :meth:`encode` does, and return besides what :meth:`decode` will make of it.

        Raises:
            PayloadError: As :meth:`encode` does.
        """
        ...

    def decode(self, data: bytes, wanted: Any, what: str) -> Any:
        """Decode into the annotated type ``wanted``.

        Raises:
            PayloadError: If the data does not fit.
        """
        ...

    def scrub(self, text: str) -> str:
        """Return ``text`` without the secret values that have passed through."""
        ...


class Resolver(Protocol):
    """Gives steps what they ask for with ``inject()``."""

    def resolve(self, wanted: type[T], /) -> T:
        """Return the one object of that type.

        Raises:
            LookupError: If there is none.
        """
        ...
