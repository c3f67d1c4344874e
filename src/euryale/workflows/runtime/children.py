"""What an execution needs of its worker for the workflows that it calls."""

from dataclasses import dataclass
from typing import Protocol

from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import Status
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

    def launch(self, row: ExecutionRow) -> None:
        """Drive an execution whose row has just been written."""
        ...

    async def join(self, execution_id: str) -> Outcome:
        """Return when the execution has ended."""
        ...

    async def revert(self, execution_id: str) -> Outcome | None:
        """Undo it: cancel it if it runs, undo it if it has succeeded. None if it was never created."""
        ...
