"""What can go wrong with workflows.

WorkflowError
├── DefinitionError          a step or workflow is declared in a way that cannot work
│   └── CompositionError     a composer treats a placeholder as if it were a value
├── PayloadError             a value cannot be written to the journal, or read back
│   └── InputError           a workflow was started without its input, or with one too many
├── UnknownWorkflowError     no such workflow, or no such version of it, is registered
├── UnknownExecutionError    no execution has that id
├── UnknownSignalError       the execution never waits for that signal
├── UnknownScheduleError     no schedule has that name
├── OverlapError             the former execution of the schedule has not ended
├── IdempotencyError         the id is taken by an execution with another workflow or input
├── QueueRejectedError       others have the key in a queue that rejects
├── IllegalTransitionError   a record was told something that cannot follow
├── EngineClosedError        the engine is not open
├── StoreError               the store did not take or give what it was asked to
│   ├── StoreLockedError     another process owns the store
│   ├── UnusableStoreError   what is there is no store, or none that can be used
│   ├── UnwritableError      the store will never take that commit
│   ├── TransactionError     an execution cannot be started in that transaction
│   └── StaleOwnerError      the execution belongs to somebody else by now
├── PermanentFailure         raised by a step: do not try again
└── ExecutionError           an execution did not succeed
    ├── ExecutionReverted    it failed and everything that ran was undone
    ├── ExecutionFailed      it failed and not everything could be undone
    ├── ExecutionCancelled   somebody cancelled it; everything that ran was undone
    └── ExecutionTimedOut    it took longer than allowed; everything that ran was undone
"""

from typing import ClassVar, Final

from euryale.kit.errors import EuryaleError


class WorkflowError(EuryaleError):
    """Something is wrong with a workflow, a step or an execution."""

    code: ClassVar[str] = "workflows.error"


class DefinitionError(WorkflowError):
    """A step or a workflow is declared, or something is called, in a way that cannot work.

    The message names what is wrong, and says what to change.
    """

    code = "workflows.definition"


class CompositionError(DefinitionError):
    """A composer treats a placeholder as if it were a value.

    The composer runs once, before there are values. Use ``when`` to decide, ``transform`` to compute.
    """

    code = "workflows.composition"


class PayloadError(WorkflowError):
    """A value cannot be written to the journal or read back as its annotation says. The message names both."""

    code = "workflows.payload"


class InputError(PayloadError):
    """A workflow was started without the input that it takes, or with one and takes none. The message names it."""

    code = "workflows.input"


class UnknownWorkflowError(WorkflowError):
    """No workflow of that name and version is registered. Pass it to ``Engine(workflows=[...])``."""

    code = "workflows.unknown_workflow"


class UnknownExecutionError(WorkflowError):
    """No execution has that id. It may have been pruned after its retention."""

    code = "workflows.unknown_execution"


def no_execution(execution_id: str) -> UnknownExecutionError:
    """Return the error of those who ask for an execution that is not there."""
    hint = "It may be in another store, or was deleted after its retention."
    return UnknownExecutionError(f"No execution {execution_id!r}.", hint=hint)


class UnknownSignalError(WorkflowError):
    """The execution's plan never waits for a signal of that name. The message names those that it waits for."""

    code = "workflows.unknown_signal"


class UnknownScheduleError(WorkflowError):
    """No schedule of that name is registered here. Pass it to ``Engine(schedules=[...])``."""

    code = "workflows.unknown_schedule"


class OverlapError(WorkflowError):
    """The schedule forbids overlaps, and its former execution has not ended. Wait for it, or cancel it."""

    code = "workflows.overlap"


class IdempotencyError(WorkflowError):
    """The id belongs to an execution of another workflow or with another input, or is none. Use an id of its own."""

    code = "workflows.idempotency"


class QueueRejectedError(WorkflowError):
    """It was not started: others have its key in a queue that rejects. Start it again when they have ended.

    Attributes:
        execution: The id of the oldest execution that has the key.
    """

    code = "workflows.queue_rejected"

    def __init__(self, message: str, *, execution: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.execution = execution


class IllegalTransitionError(WorkflowError):
    """A record was told something that cannot follow from its state. This is a fault of the engine: report it."""

    code = "workflows.illegal_transition"


class EngineClosedError(WorkflowError):
    """The engine is not open. Use it inside ``async with engine:``."""

    code = "workflows.engine_closed"


class StoreError(WorkflowError):
    """The store did not take or give what it was asked to. Executions go on from what it holds when it is back."""

    code = "workflows.store"


class StoreLockedError(StoreError):
    """Another process owns this store. Stop that process, or give this one a store of its own."""

    code = "workflows.store_locked"


class UnusableStoreError(StoreError):
    """What is there is no store that can be used: something else, damaged, of another version, or not accessible.

    It was left as it was. The message names it, and says what to do.
    """

    code = "workflows.unusable_store"


class UnwritableError(StoreError):
    """The store will never take this commit, or the file is damaged. Waiting does not help: see its cause.

    The execution concerned is stranded; the others go on.
    """

    code = "workflows.unwritable"


class TransactionError(StoreError):
    """An execution cannot be started in that transaction. Pass a session of the store's own database, in a transaction.

    Only a ``PostgresStore`` can, and not in a queue that cancels others. Else start the execution after the commit.
    """

    code = "workflows.transaction"


class StaleOwnerError(StoreError):
    """The execution was taken over by another worker. This worker's writes to it are refused; nothing is lost."""

    code = "workflows.stale_owner"


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


class PermanentFailure(WorkflowError):  # noqa: N818 -- it names an outcome that a step chooses, as in Medusa
    """Raise this in a step that will not succeed however often it is tried.

    Args:
        message: Why; a person reads it.
        undo: What the step's own compensation needs to undo what was done before the failure.
    """

    code = "workflows.permanent_failure"

    def __init__(self, message: str, *, undo: object = UNSET, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.undo = undo


class ExecutionError(WorkflowError):
    """An execution did not succeed.

    Attributes:
        execution: Its id.
        step: The step that failed, or an empty string.
        error: The code or class name of what the step raised.
    """

    code = "workflows.execution"

    def __init__(self, message: str, *, execution: str, step: str = "", error: str = "") -> None:
        super().__init__(message)
        self.execution = execution
        self.step = step
        self.error = error


class ExecutionReverted(ExecutionError):  # noqa: N818 -- the outcome's own name
    """A step failed for good, and everything that ran was undone."""

    code = "workflows.execution_reverted"


class ExecutionFailed(ExecutionError):  # noqa: N818 -- the outcome's own name
    """A step failed for good, and a compensation gave up: see which, mend its cause, then ``engine.retry(id)``."""

    code = "workflows.execution_failed"


class ExecutionCancelled(ExecutionError):  # noqa: N818 -- the outcome's own name
    """Somebody cancelled the execution, and everything that ran was undone."""

    code = "workflows.execution_cancelled"


class ExecutionTimedOut(ExecutionError):  # noqa: N818 -- the outcome's own name
    """The execution took longer than its workflow allows, and everything that ran was undone."""

    code = "workflows.execution_timed_out"
