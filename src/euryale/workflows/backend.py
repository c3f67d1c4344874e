"""Backends: whoever executes workflows, as those who start and tell executions see it."""

from datetime import datetime
from typing import Any, Protocol, TypeVar, overload

from euryale.workflows.definition.nodes import Signal
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.record.states import Reason, Status

I = TypeVar("I")  # noqa: E741 -- the input's type
O = TypeVar("O")  # noqa: E741 -- the output's type
O_co = TypeVar("O_co", covariant=True)
T = TypeVar("T")


class BackendView(Protocol):
    """What can be seen of an execution, whoever drives it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def workflow(self) -> str:
        """The workflow's name."""
        ...

    @property
    def status(self) -> Status:
        """Where it stands; ``waiting`` when it waits for nothing but a time, or to be told something."""
        ...

    @property
    def reason(self) -> Reason:
        """Why it turned from going forward to undoing, if it did."""
        ...

    @property
    def partial(self) -> bool:
        """Whether it has succeeded although a step of it failed that was allowed to."""
        ...

    @property
    def finished_at(self) -> datetime | None:
        """When it ended, or None."""
        ...


class BackendHandle(Protocol[O_co]):
    """An execution that was started, whoever drives it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    async def result(self) -> O_co:
        """Return its result when it has one; see :meth:`Backend.result`."""
        ...

    async def status(self) -> Status:
        """Return where it stands now."""
        ...

    async def signal(self, signal: Signal[T], value: T, *, key: str = "") -> bool:
        """Tell it something; see :meth:`Backend.signal`."""
        ...

    async def cancel(self) -> bool:
        """Ask it to end and to be undone; see :meth:`Backend.cancel`."""
        ...


class Backend(Protocol):
    """Executes workflows: our own runtime over any store is one, :class:`~euryale.workflows.Engine`.

    Code that takes a ``Backend`` leaves open who executes. Each member keeps the promises that stand here and in
    ``docs/explanation/guarantees.md``; ``euryale.workflows.testing.BackendContract`` puts them to the test. What is
    peculiar to a runtime (queues, schedules, histories, retrying by hand) is no part of it.
    """

    @overload
    async def start(
        self, workflow: Workflow[None, O], value: None = None, *, id: str | None = None
    ) -> BackendHandle[O]: ...

    @overload
    async def start(self, workflow: Workflow[I, O], value: I, *, id: str | None = None) -> BackendHandle[O]: ...

    async def start(
        self,
        workflow: Workflow[Any, O],
        value: Any = ...,
        *,
        id: str | None = None,  # noqa: A002 -- its name
    ) -> BackendHandle[O]:
        """Start a workflow; return when that is durable: from then on it ends, whatever dies meanwhile.

        Args:
            workflow: What to start.
            value: Its input; left out of a workflow that takes none.
            id: An idempotency key: with the same id and the same input this joins the execution that there is, whether
                it has ended or not. Printable, 1 to 200 characters, without ``::``. Default: a new one.

        Raises:
            IdempotencyError: If the id belongs to an execution of another workflow, or with another input.
            InputError: If its input is left out, or it takes none.
            PayloadError: If the input cannot be written. Nothing was started.
        """
        ...

    @overload
    async def run(self, workflow: Workflow[None, O], value: None = None, *, id: str | None = None) -> O: ...

    @overload
    async def run(self, workflow: Workflow[I, O], value: I, *, id: str | None = None) -> O: ...

    async def run(
        self,
        workflow: Workflow[Any, O],
        value: Any = ...,
        *,
        id: str | None = None,  # noqa: A002 -- its name
    ) -> O:
        """Start a workflow and return its result: :meth:`start` and :meth:`BackendHandle.result` in one.

        Raises:
            IdempotencyError: As :meth:`start` does.
            InputError: As :meth:`start` does.
            PayloadError: As :meth:`start` does.
            ExecutionError: As :meth:`result` does.
        """
        ...

    async def result(self, execution_id: str, output_type: Any = ...) -> Any:
        """Return an execution's result when it has one, also long after it ended.

        Args:
            execution_id: The execution.
            output_type: What to read the result as; default: as its workflow is annotated.

        Raises:
            UnknownExecutionError: If there is none.
            ExecutionReverted: If a step failed for good and everything was undone.
            ExecutionCancelled: If it was cancelled, and everything was undone.
            ExecutionTimedOut: If it took longer than its workflow allows, and everything was undone.
            ExecutionFailed: If something could not be undone.
        """
        ...

    async def wait(self, execution_id: str) -> Status:
        """Return how an execution ended, once it has; raises nothing for one that did not succeed.

        Raises:
            UnknownExecutionError: If there is none.
        """
        ...

    async def get(self, execution_id: str) -> BackendView:
        """Return what can be seen of an execution now.

        Raises:
            UnknownExecutionError: If there is none.
        """
        ...

    async def signal(self, execution_id: str, signal: Signal[T], value: T, *, key: str = "") -> bool:
        """Tell an execution something that it waits for, or will; return when that is durable.

        Each signal is taken once, in the order in which they were sent, by a place that waits for it.

        Args:
            execution_id: The execution.
            signal: What it is told.
            value: What comes with it.
            key: An idempotency key: a second signal with the same name and key is not kept. Default: none.

        Returns:
            False if there was one with that key, or the execution has ended or is being undone.

        Raises:
            UnknownExecutionError: If there is none.
            PayloadError: If the value cannot be written, or is not of the signal's type.
        """
        ...

    async def complete(self, token: str, output: Any = None) -> bool:
        """Complete a step that completes externally, from any process; return when that is durable.

        Args:
            token: ``step_context().token`` of the step; it may be used before the step has returned.
            output: The step's output.

        Returns:
            False if it was completed before (the first word counts), or its execution has ended or is being undone.

        Raises:
            UnknownExecutionError: If there is no such execution, or it has no such step that completes externally.
            PayloadError: If the output cannot be written, or is not what the step is annotated to return; the step
                waits on.
        """
        ...

    async def fail(self, token: str, error: Exception | str) -> bool:
        """Let a step that completes externally fail for good, whatever its retries; see :meth:`complete`."""
        ...

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and to be undone, in whatever state it is; return when the wish is durable.

        What runs is interrupted, and undone with all that ran before. No success is written over a cancellation.

        Returns:
            Whether it will be undone because of this; False if it has ended, is being undone, or was asked before.

        Raises:
            UnknownExecutionError: If there is none.
        """
        ...

    async def close(self) -> None:
        """Let go of everything here. Executions are not ended by it: they go on where the backend is opened next."""
        ...
