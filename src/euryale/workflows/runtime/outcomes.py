"""How executions end, for those who wait for it, whoever drives them."""

import asyncio
import contextlib
from typing import Final

from euryale.kit.clock import Limit
from euryale.workflows.errors import StaleOwnerError, no_execution
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.presence import Presence, closed_error
from euryale.workflows.runtime.run import Tools
from euryale.workflows.runtime.stranding import Stranding

_LOOK_EVERY: Final = 0.5


class Outcomes:
    """Waits for the ends of executions.

    Args:
        journals: What is written of them.
        presence: Those that are here.
        stranding: What the others may lack.
        tools: What executions share.
    """

    def __init__(self, journals: Journals, presence: Presence, stranding: Stranding, tools: Tools) -> None:
        self._journals = journals
        self._present = presence
        self._stranding = stranding
        self._tools = tools

    async def join(self, execution_id: str) -> Outcome | None:
        """Return how an execution ended, when it has; None if nobody drives it here now.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before.
        """
        await self._present.opened(execution_id)
        if (executor := self._present.live.get(execution_id)) is not None:
            try:
                return await executor.outcome()
            except StaleOwnerError:
                pass  # another worker goes on with it
        if self._present.closed:
            raise closed_error()
        journal = await self._journals.read(execution_id)
        if journal is None or journal.row.status.ended:
            self._present.waiters.stir(execution_id)  # nothing else will
        if journal is None:
            raise no_execution(execution_id)
        if journal.row.status.ended:
            return self._outcome(journal.row)
        if (lacking := self._stranding.hopeless(journal.row)) and execution_id not in self._present:
            raise self._stranding.error(execution_id, lacking)
        return None

    async def stirred(self, execution_id: str) -> None:
        """Return when an execution that nobody drives here is driven here, or may have ended."""
        if execution_id in self._present:
            return
        with contextlib.suppress(TimeoutError):
            async with Limit(self._tools.clock, _LOOK_EVERY if self._journals.shared else None):
                await asyncio.wait([self._present.waiters.future(execution_id)])

    async def ended(self, execution_id: str) -> Outcome:
        """Return how an execution ended, when it has, whoever drives it.

        Raises:
            WorkflowError: As :meth:`join` does.
        """
        outcome = await self.join(execution_id) if execution_id in self._present.live else None
        while outcome is None:
            stirred = self._present.waiters.future(execution_id)  # before looking, so that nothing is missed between
            outcome = await self.join(execution_id)
            if outcome is None and not stirred.done():
                await self.stirred(execution_id)
        return outcome

    def _outcome(self, row: ExecutionRow) -> Outcome:
        failure = None if row.error is None else self._tools.codec.decode(row.error, Failure, "an error")
        return Outcome(row, failure)
