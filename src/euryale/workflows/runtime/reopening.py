"""Reopening: executions that have ended are undone, or undone further; stranded ones go on."""

from collections.abc import Awaitable, Callable
from typing import Final

from euryale.kit.clock import Clock, pause
from euryale.workflows.errors import StaleOwnerError, WorkflowError
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.driver import Driver
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.outcomes import Outcomes
from euryale.workflows.runtime.presence import Presence
from euryale.workflows.runtime.queues import check_has_begun
from euryale.workflows.runtime.run import Turn
from euryale.workflows.runtime.stranding import Stranding

_LOOK_EVERY: Final = 0.5


class Reopening:
    """Takes executions over anew and drives them.

    Args:
        journals: What is written of them.
        presence: Those that are here.
        stranding: What they may lack.
        driver: Drives them.
        outcomes: Waits for their ends.
        clock: The time.
        cancel: Asks an execution to end and be undone.
    """

    def __init__(
        self,
        journals: Journals,
        presence: Presence,
        stranding: Stranding,
        driver: Driver,
        outcomes: Outcomes,
        *,
        clock: Clock,
        cancel: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._journals = journals
        self._present = presence
        self._stranding = stranding
        self._driver = driver
        self._outcomes = outcomes
        self._clock = clock
        self._cancel = cancel

    async def revert(self, execution_id: str, *, again: bool) -> Outcome | None:
        """Undo an execution: cancel it if it runs, undo it if it has succeeded. None if it was never created.

        Args:
            execution_id: Which.
            again: Whether compensations of it that gave up are tried again.
        """
        while True:
            try:
                return await self._revert(execution_id, again=again)
            except StaleOwnerError:  # another worker has it: one that drains, say, and has let go of the parent before
                await pause(self._clock, _LOOK_EVERY)

    async def _revert(self, execution_id: str, *, again: bool) -> Outcome | None:
        await self._present.opened(execution_id)
        if await self._journals.read(execution_id) is None:
            return None
        await self._cancel(execution_id)
        outcome = await self._outcomes.ended(execution_id)
        if outcome.succeeded:
            failure = Failure("workflows.reverted_with_parent", "It was undone with the execution that called it.")
            return await self._reopen(execution_id, Turn(Reason.CANCELLED, failure))
        if again and outcome.row.status is Status.FAILED:
            return await self._reopen(execution_id, None)
        return outcome

    async def retry(self, execution_id: str) -> None:
        """Try compensations that gave up again; see ``Engine.retry``."""
        await self._reopen(execution_id, None)

    async def resume(self, execution_id: str) -> None:
        """Go on with a stranded execution; return when it goes on.

        Raises:
            UnknownWorkflowError: If it still lacks something.
        """
        await self._present.opened(execution_id)
        if execution_id not in self._present.live:
            self._driver.drive(await self._open_again(execution_id))

    async def _reopen(self, execution_id: str, turn: Turn | None) -> Outcome:
        await self._present.opened(execution_id)
        if execution_id not in self._present.live:
            self._driver.drive(await self._open_again(execution_id), turn, again=turn is None)
        return await self._outcomes.ended(execution_id)

    async def _open_again(self, execution_id: str) -> Executor:
        """Take an execution over anew and make it live."""
        journal = await self._journals.read(execution_id)
        if journal is not None:
            self._stranding.check_plan(journal.row)
        with self._present.opening(execution_id):
            row = await self._journals.reclaim(execution_id)
            check_has_begun(row)
            if row.owner != self._present.owner:
                raise StaleOwnerError(f"{execution_id} is driven by {row.owner}.", hint="Ask there, or wait.")
            executor = await self._load(row)
        if executor is None:
            await self._present.opened(execution_id)
            raise self._stranding.error(execution_id, self._stranding.lacks(row))
        return executor

    async def _load(self, claimed: ExecutionRow) -> Executor | None:
        """Make the executor of a claimed execution, or write down what it lacks.

        Raises:
            StaleOwnerError: If it was taken from us since: its journal as it is now is not ours to go on with.
        """
        journal = await self._journals.read(claimed.id)
        if journal is None:
            return None
        if (journal.row.owner, journal.row.epoch) != (claimed.owner, claimed.epoch):
            raise StaleOwnerError(f"{claimed.id} was taken over by another worker.")
        return self._driver.admit(journal)


def not_retried(row: ExecutionRow) -> WorkflowError:
    """Return the error that tells why an execution is not retried: it goes on by itself, or has ended for good."""
    text = f"{row.id} is {row.status}; only a failed or stranded execution can be retried."
    if not row.status.ended:
        return WorkflowError(text, hint="It goes on by itself here: wait for its end.")
    return WorkflowError(text, hint="To do it again, use engine.rerun(id, id=NEW), or start it under a new id.")
