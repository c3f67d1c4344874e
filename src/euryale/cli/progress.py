"""What is known of an operation while it runs: built up from states and events. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from euryale.cloud.wire.executions import ExecutionDetail, ExecutionEventInfo, StepInfo

State = Literal[
    "pending",
    "running",
    "retrying",
    "succeeded",
    "skipped",
    "failed",
    "undoing",
    "undo_retrying",
    "undone",
    "undo_failed",
]

_STATES: Final[dict[str, State]] = {
    "pending": "pending",
    "running": "running",
    "waiting": "running",
    "succeeded": "succeeded",
    "skipped": "skipped",
    "failed": "failed",
    "timed_out": "failed",
}
_UNDO_STATES: Final[dict[str, State]] = {
    "pending": "undo_retrying",
    "running": "undoing",
    "reverted": "undone",
    "failed": "undo_failed",
}
_EVENTS: Final[dict[str, State]] = {
    "step.started": "running",
    "step.waiting": "running",
    "step.succeeded": "succeeded",
    "step.retrying": "retrying",
    "step.failed": "failed",
    "step.timed_out": "failed",
    "event.staged": "succeeded",
    "undo.started": "undoing",
    "undo.succeeded": "undone",
    "undo.retrying": "undo_retrying",
    "undo.failed": "undo_failed",
}
OVER: Final = frozenset({"succeeded", "skipped", "failed", "undone", "undo_failed"})
"""The states in which nothing more happens by itself."""


@dataclass(slots=True)
class StepProgress:
    """One step.

    Attributes:
        id: Its name.
        kind: ``step``, ``child`` or ``emit``.
        state: Where it stands.
        attempt: Which attempt runs, or ran last.
        max_attempts: How many it is given; 0: unknown.
        started: When its first attempt began, as far as is known.
        ended: When it was over.
        due: When its next attempt begins, while it waits for that.
        error: Why its last attempt failed.
    """

    id: str
    kind: str = "step"
    state: State = "pending"
    attempt: int = 0
    max_attempts: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    due: datetime | None = None
    error: str = ""

    def seconds(self, now: datetime) -> float | None:
        """Return for how long it has run, or ran; None if it has not."""
        return None if self.started is None else ((self.ended or now) - self.started).total_seconds()


@dataclass(slots=True)
class ExecutionProgress:
    """One execution.

    Attributes:
        id: Its id.
        workflow: Its workflow; empty until its state is known.
        parent: The execution that called it, or an empty string.
        status: Where it stands.
        steps: Its steps, in the order of the workflow.
        deployment: The deployment that it makes, or an empty string.
        seq: The number of the last journal entry that is in here.
        undoing: Whether it is undone.
    """

    id: str
    workflow: str = ""
    parent: str = ""
    status: str = "running"
    steps: dict[str, StepProgress] = field(default_factory=dict)
    deployment: str = ""
    seq: int = 0
    undoing: bool = False


class Progress:
    """An operation: its execution and those that it calls.

    Args:
        root: The operation's execution.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.executions: dict[str, ExecutionProgress] = {}

    def take_state(self, state: ExecutionDetail) -> None:
        """Take in how an execution stands."""
        known = self._execution(state.id)
        known.workflow, known.parent, known.status = state.workflow, state.parent, state.status
        known.deployment, known.seq = state.deployment, max(known.seq, state.seq)
        known.undoing = known.undoing or state.status in {"compensating", "reverted"}
        known.steps = {step.id: _from_state(step, known.steps.get(step.id)) for step in state.steps}

    def take_event(self, event: ExecutionEventInfo) -> bool:
        """Take in what happened; False if it was known."""
        known = self._execution(event.execution, parent=event.parent)
        if 0 < event.seq <= known.seq:
            return False
        known.seq = max(known.seq, event.seq)
        if event.name == "execution.compensating":
            known.status, known.undoing = "compensating", True
        elif event.name == "execution.finished":
            known.status = event.status or known.status
        elif (state := _EVENTS.get(event.name)) is not None:
            _apply(known.steps.setdefault(event.step, StepProgress(event.step)), state, event)
        return True

    def child(self, execution: str, step: str) -> ExecutionProgress | None:
        """Return the execution that a step has called, if it is known."""
        for each in self.executions.values():
            if each.parent == execution and each.id.removeprefix(execution).lstrip(":") == step:
                return each
        return None

    def running(self, step: str) -> Iterator[ExecutionProgress]:
        """Yield the executions in which a step of that name runs now."""
        for execution in self.executions.values():
            found = execution.steps.get(step)
            if found is not None and found.state == "running":
                yield execution

    def _execution(self, execution: str, *, parent: str = "") -> ExecutionProgress:
        return self.executions.setdefault(execution, ExecutionProgress(execution, parent=parent))


def _from_state(step: StepInfo, before: StepProgress | None) -> StepProgress:
    state = _UNDO_STATES.get(step.undo_state) or _STATES[step.state]
    if state == "pending" and step.due is not None:
        state = "retrying"
    started = before.started if before is not None and before.started is not None else step.started
    return StepProgress(
        id=step.id,
        kind=step.kind,
        state=state,
        attempt=step.attempts + (state == "running" and step.kind != "child"),
        max_attempts=step.max_attempts,
        started=started,
        ended=step.ended if state in OVER else None,
        due=step.due if state in {"retrying", "undo_retrying"} else None,
        error=step.error,
    )


def _apply(step: StepProgress, state: State, event: ExecutionEventInfo) -> None:
    step.state = state
    step.attempt = event.attempt or step.attempt
    step.due = event.due if state in {"retrying", "undo_retrying"} else None
    step.error = event.error or step.error
    if step.started is None:
        step.started = event.started or event.at
    step.ended = event.at if state in OVER else None
