"""What the engine needs from outside: small contracts, kept by the members of ``stores``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.states import Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExecutionQuery:
    """Which executions to list.

    Attributes:
        workflow: Only of this workflow.
        statuses: Only in one of these; empty: in any.
        parent_id: Only children of this execution; empty: only those that are no children; None: all.
        prefix: Only ids that begin with this.
        limit: How many at the most.
        before: Only those listed after this one: ``(created_at, id)`` of the last one of the page before.
    """

    workflow: str | None = None
    statuses: frozenset[Status] = frozenset()
    parent_id: str | None = None
    prefix: str = ""
    limit: int = 50
    before: tuple[float, str] | None = None


class JournalStore(Protocol):
    """Where executions are written. Every promise holds across a crash of the process at any instant."""

    async def open(self) -> None:
        """Make it ready, creating or migrating its schema.

        Raises:
            StoreLockedError: If another process owns it.
            StoreError: If it cannot be used.
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
            another epoch.

        Raises:
            UnwritableError: If a commit among them can never be written; nothing of any of them was.
            StoreError: If the store cannot be reached or is full; it may be tried again.
        """
        ...

    async def load(self, execution_id: str) -> Journal | None:
        """Return all that is known of an execution, or None."""
        ...

    async def claim(self, owner: str) -> tuple[ExecutionRow, ...]:
        """Take over every execution that has not ended and that no living worker owns; its epoch goes up by one."""
        ...

    async def reclaim(self, execution_id: str, owner: str) -> ExecutionRow | None:
        """Take over one execution, ended or not; its epoch goes up by one. None if there is none."""
        ...

    async def post(self, message: Message) -> bool:
        """Keep a message for an execution; False if there is one of that kind and step already."""
        ...


class OutboxStore(Protocol):
    """Where released events wait for their delivery."""

    async def released(self, limit: int) -> tuple[StagedEvent, ...]:
        """Return events that were released and not delivered yet, oldest first."""
        ...

    async def delivered(self, event_ids: Sequence[str]) -> None:
        """Forget events."""
        ...


class InsightStore(Protocol):
    """Read-only views for lists and dashboards, and the removal of what is old."""

    async def list(self, query: ExecutionQuery) -> tuple[ExecutionRow, ...]:
        """Return executions, newest first."""
        ...

    async def prune(self, now: float, limit: int) -> int:
        """Delete up to ``limit`` root executions, with their children, whose retention is over; return how many.

        Those that ended ``failed`` stay: something is left that a person must look at.
        """
        ...


class Store(JournalStore, OutboxStore, InsightStore, Protocol):
    """All that a store does."""


class Codec(Protocol):
    """Turns values into bytes and back."""

    def encode(self, value: Any, what: str, wanted: Any = Any) -> bytes:
        """Encode; ``what`` names the value in errors, ``wanted`` is the annotation under which it will be read.

        Raises:
            PayloadError: If the value is of a type that cannot travel, or could not be read back.
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
