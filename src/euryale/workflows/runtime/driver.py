"""The driver: takes the executions that this worker owns to their ends, as tasks of their own."""

import logging

from euryale.kit.lifecycle import Tasks
from euryale.workflows.errors import StaleOwnerError, WorkflowError
from euryale.workflows.record.entry import Journal
from euryale.workflows.runtime.children import Children
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.handover import Handover
from euryale.workflows.runtime.presence import Presence
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.run import Run, Tools, Turn
from euryale.workflows.runtime.stranding import Stranding, no_plan

_log = logging.getLogger("euryale.workflows")


class Driver:
    """Drives executions.

    Args:
        registry: The plans that are known.
        tools: What executions share.
        presence: The executions that are here.
        stranding: Lets go of those that cannot be driven on.
        handover: Tells others what this worker drives no more.
        children: What executions need for the workflows that they call.
        tasks: Where they are driven.
    """

    def __init__(
        self,
        registry: Registry,
        tools: Tools,
        presence: Presence,
        stranding: Stranding,
        handover: Handover,
        children: Children,
        tasks: Tasks,
    ) -> None:
        self._registry = registry
        self._tools = tools
        self._present = presence
        self._stranding = stranding
        self._handover = handover
        self._children = children
        self._tasks = tasks

    def admit(self, journal: Journal) -> Executor | None:
        """Make an execution live, or write down what it lacks."""
        row = journal.row
        plan = self._registry.find(row.workflow, row.plan_hash)
        if plan is None:
            self._stranding.strand(row, no_plan(row))
            return None
        try:
            executor = Executor(Run(journal, plan, self._tools), self._children)
        except WorkflowError as error:  # a journal that makes no sense: the others must be recovered all the same
            self._stranding.strand(row, str(error))
            return None
        self._stranding.mended(row.id)
        self._tools.writer.read_anew(row.id, row.epoch)
        self._present.admit(executor, journal)
        return executor

    def take(self, journal: Journal) -> None:
        """Make an execution live and drive it, or write down what it lacks."""
        if (executor := self.admit(journal)) is not None:
            self.drive(executor)

    def drive(self, executor: Executor, turn: Turn | None = None, *, again: bool = False) -> None:
        """Drive a live execution to its end, or until it only waits; see :meth:`Executor.drive`."""
        coroutine = self._drive_to_end(executor, turn, again=again)
        self._tasks.spawn(coroutine, name=f"execution {executor.run.row.id}")

    async def _drive_to_end(self, executor: Executor, turn: Turn | None, *, again: bool) -> None:
        try:
            outcome = await executor.drive(turn, again=again)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not take the other executions down
            self._present.forget(executor, "lost" if isinstance(error, StaleOwnerError) else "stranded")
            self._give_up(executor, error)
        else:
            self._present.forget(executor, "ended" if outcome else "resting")
            executor.settle(outcome)
            self._handover.pass_on(executor, outcome)
        self._handover.freed(executor.run.row)

    def _give_up(self, executor: Executor, error: Exception) -> None:
        row = executor.run.row
        if isinstance(error, StaleOwnerError):
            _log.warning("execution %s was taken over by another worker", row.id)
        elif not self._present.closed:
            if not isinstance(error, WorkflowError):
                _log.exception("execution %s met a fault of the engine", row.id)
            self._stranding.strand(row, str(error) or repr(error))
        executor.settle(error)
        self._tools.feed.give_up(row.id, error)
