"""What a step can ask about itself while it runs."""

from contextvars import ContextVar

import msgspec

from euryale.workflows.errors import WorkflowError
from euryale.workflows.runtime.failure import Failure


class StepContext(msgspec.Struct, frozen=True):
    """Where a step runs.

    Attributes:
        workflow: The workflow's name.
        execution: The execution's id.
        root: The id of the outermost execution.
        step: The node's id.
        attempt: Which attempt this is, from 1.
        failure: In a compensation, why the execution is undone; None in a step.
    """

    workflow: str
    execution: str
    root: str
    step: str
    attempt: int
    failure: Failure | None = None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step, after a crash too: hand it to whoever is asked to do something."""
        return f"{self.execution}/{self.step}"

    @property
    def token(self) -> str:
        """What ``engine.complete`` and ``engine.fail`` take for a step that completes externally."""
        return self.idempotency_key


CURRENT_STEP: ContextVar[StepContext | None] = ContextVar("euryale_step", default=None)


def step_context() -> StepContext:
    """Return the context of the step (or compensation) that runs now.

    Raises:
        WorkflowError: If none does.
    """
    context = CURRENT_STEP.get()
    if context is None:
        raise WorkflowError("step_context() is called where no step runs.", hint="Call it inside a step's function.")
    return context
