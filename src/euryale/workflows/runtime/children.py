"""What an execution needs of its worker for the workflows that it calls."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from euryale.workflows.record.entry import Entry, ExecutionRow, Message
from euryale.workflows.record.states import Status
from euryale.workflows.requests import Entered
from euryale.workflows.runtime.failure import Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended.

    Attributes:
        row: Its row; ``row.output`` is its result, encoded.
        failure: Why it did not succeed, or None.
    """

    row: ExecutionRow
    failure: Failure | None

    @property
    def succeeded(self) -> bool:
        """Whether it did."""
        return self.row.status is Status.SUCCEEDED


class Children(Protocol):
    """Starts, awaits and undoes child executions."""

    def launch(self, row: ExecutionRow, written: asyncio.Future[None]) -> asyncio.Future[None]:
        """Drive a new execution as soon as its row is written, whatever becomes of the caller; return ``written``."""
        ...

    async def enter(self, row: ExecutionRow, entries: tuple[Entry, ...] = ()) -> Entered:
        """Write a new execution into its queue; whatever becomes of the caller, it waits there.

        Raises:
            QueueRejectedError: If others have its key, and the queue rejects.
        """
        ...

    async def join(self, execution_id: str) -> Outcome | None:
        """Return how an execution ended, when it has; None if nobody drives it here now."""
        ...

    async def messages(self, row: ExecutionRow) -> tuple[Message, ...]:
        """Return all that an execution was told that this worker drives.

        Raises:
            StaleOwnerError: If another worker has taken it over.
        """
        ...

    async def stirred(self, execution_id: str) -> None:
        """Return when an execution that nobody drives here is driven here, or may have ended."""
        ...

    async def revert(self, execution_id: str, *, parent: str, again: bool) -> Outcome | None:
        """Undo it: cancel it if it runs, undo it if it has succeeded. None if it was never created.

        Args:
            execution_id: Which.
            parent: Who waits for it; its place in the worker is free for others meanwhile.
            again: Whether compensations of it that gave up are tried again.
        """
        ...
