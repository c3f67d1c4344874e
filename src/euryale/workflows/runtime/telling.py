"""Telling: what can be said to executions from outside, as users of an engine say it."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

from euryale.workflows.definition.checks import check_type
from euryale.workflows.definition.nodes import Signal
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.outside import Outside
from euryale.workflows.runtime.worker import Worker

T = TypeVar("T")


class Telling(ABC):
    """A part of the engine: completions, signals, and outcomes that a person gives by hand."""

    _outside: Outside
    _worker: Worker

    @abstractmethod
    def _check_open(self) -> None:
        """Raise ``EngineClosedError`` unless it is open."""

    async def complete(self, token: str, output: Any = None) -> bool:
        """Complete a step that completes externally, from any process; see :meth:`Backend.complete`."""
        self._check_open()
        return await self._outside.complete(token, output)

    async def fail(self, token: str, error: Exception | str) -> bool:
        """Let a step that completes externally fail for good, whatever its retries; see :meth:`Backend.fail`."""
        self._check_open()
        return await self._outside.fail(token, error)

    async def mark_succeeded(self, execution_id: str, step: str, output: Any = None) -> bool:
        """Say by hand that a step is done, with its output; what is being done at it is interrupted.

        Of a step that has not been reached yet it will be taken for done as soon as it is. When it is undone, its
        compensation receives the output, or None if the step would have said apart from it what there is to undo.

        Args:
            execution_id: The execution; a child's own id for a child's step.
            step: The step, by its node's id; also an item of a ``for_each`` (``each:notify[3]``).
            output: Its output.

        Returns:
            False if it was given an outcome by hand before, or the execution has ended or is being undone.

        Raises:
            UnknownExecutionError: If there is no such execution.
            UnknownWorkflowError: If its plan is not known here.
            WorkflowError: If it has no such step, or the step has an outcome.
            PayloadError: If the output does not fit the step's annotation.
        """
        self._check_open()
        return await self._outside.mark_succeeded(execution_id, step, output)

    async def mark_failed(self, execution_id: str, step: str, error: Exception | str) -> bool:
        """Say by hand that a step has failed for good, whatever its retries; see :meth:`mark_succeeded`."""
        self._check_open()
        return await self._outside.mark_failed(execution_id, step, error)

    async def mark_undone(self, execution_id: str, step: str) -> bool:
        """Say by hand that a step is undone: of an execution that is being undone, or that ended ``failed``.

        A compensation under way is interrupted. Compensations of a failed execution that gave up, and have no mark, are
        tried again, as by :meth:`retry`; this returns when that is over.

        Returns:
            False if it was undone already, or the execution is not being undone.

        Raises:
            UnknownExecutionError: If there is no such execution.
            UnknownWorkflowError: If its plan is not known here.
            WorkflowError: If it has no such step.
        """
        self._check_open()
        journal = await self._worker.journals.get(execution_id)
        kept = await self._outside.mark_undone(execution_id, step)
        if journal.row.status is Status.FAILED:
            await self._worker.reopening.retry(execution_id)
        return kept

    async def signal(self, execution_id: str, signal: Signal[T], value: T, *, key: str = "") -> bool:
        """Tell an execution something that it waits for, or will, by ``wait_for``; see :meth:`Backend.signal`.

        Raises:
            UnknownExecutionError: If there is no such execution.
            UnknownSignalError: If its plan, where that is known here, never waits for a signal of that name.
            PayloadError: If the value cannot be written, or is not of the signal's type.
            DefinitionError: If that is no signal.
        """
        self._check_open()
        check_type(signal, Signal, "signal", "a signal", 'Pass the one that it waits for: Signal("approved", bool).')
        return await self._outside.signal(execution_id, signal, value, key)
