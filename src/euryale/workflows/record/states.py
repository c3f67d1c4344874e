"""The states of executions and steps, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from euryale.workflows.errors import IllegalTransitionError


class Status(StrEnum):
    """Where an execution stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in _ENDED

    @property
    def going_forward(self) -> bool:
        """Whether it has neither ended nor turned to undoing."""
        return self in _GOING_FORWARD

    def takes(self, message: str) -> bool:
        """Return whether a message of that kind still means something."""
        return self in (_GOING_BACKWARD if message == "undone" else _GOING_FORWARD)


_ENDED: Final = frozenset({Status.SUCCEEDED, Status.REVERTED, Status.FAILED})
_GOING_FORWARD: Final = frozenset({Status.PENDING, Status.RUNNING, Status.WAITING})
_GOING_BACKWARD: Final = frozenset({Status.COMPENSATING, Status.FAILED})


class Reason(StrEnum):
    """Why an execution turned from going forward to undoing."""

    NONE = ""
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class Slot(StrEnum):
    """Where an execution stands in its queue."""

    NONE = ""
    """It is in none."""
    WAITING = "waiting"
    HELD = "held"
    """It has begun: the slot is its own until it has ended."""
    WAIVED = "waived"
    """It was cancelled before its turn came, and ends without having had one."""


class StepState(StrEnum):
    """Where a step stands on the way forward."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"

    @property
    def is_failure(self) -> bool:
        """Whether it was given up."""
        return self in FAILURES


FAILURES: Final = frozenset({StepState.FAILED, StepState.TIMED_OUT})
"""What was given up."""


class UndoState(StrEnum):
    """Where a step stands on the way back."""

    NONE = "none"
    PENDING = "pending"
    RUNNING = "running"
    REVERTED = "reverted"
    FAILED = "failed"


class EntryKind(StrEnum):
    """What a journal entry says."""

    FORKED = "execution.forked"
    RERUN = "execution.rerun"
    STEP_SUCCEEDED = "step.succeeded"
    ADOPTED = "step.adopted"
    STEP_RETRYING = "step.retrying"
    STEP_WAITING = "step.waiting"
    STEP_FAILED = "step.failed"
    STEP_TIMED_OUT = "step.timed_out"
    CHOSEN = "choice.made"
    EMITTED = "event.staged"
    TURNED = "execution.compensating"
    UNDO_SUCCEEDED = "undo.succeeded"
    UNDO_RETRYING = "undo.retrying"
    UNDO_FAILED = "undo.failed"
    REOPENED = "execution.reopened"
    FINISHED = "execution.finished"


_S, _U, _K = StepState, UndoState, EntryKind
_NOT_DONE = (_S.PENDING, _S.RUNNING, _S.WAITING)

FORWARD: Final[Mapping[tuple[StepState, EntryKind], StepState]] = {
    **{(state, _K.STEP_SUCCEEDED): _S.SUCCEEDED for state in _NOT_DONE},
    **{(state, _K.ADOPTED): _S.SUCCEEDED for state in _NOT_DONE},
    **{(state, _K.STEP_FAILED): _S.FAILED for state in _NOT_DONE},
    **{(state, _K.STEP_TIMED_OUT): _S.TIMED_OUT for state in _NOT_DONE},
    **{(state, _K.CHOSEN): _S.SUCCEEDED for state in _NOT_DONE},
    **{(state, _K.EMITTED): _S.SUCCEEDED for state in _NOT_DONE},
    (_S.PENDING, _K.STEP_RETRYING): _S.PENDING,
    (_S.RUNNING, _K.STEP_RETRYING): _S.PENDING,
    (_S.PENDING, _K.STEP_WAITING): _S.WAITING,
    (_S.RUNNING, _K.STEP_WAITING): _S.WAITING,
}
"""Each state of a step and entry that may meet, and the state that follows."""

BACKWARD: Final[Mapping[tuple[UndoState, EntryKind], UndoState]] = {
    (_U.NONE, _K.UNDO_SUCCEEDED): _U.REVERTED,
    (_U.PENDING, _K.UNDO_SUCCEEDED): _U.REVERTED,
    (_U.RUNNING, _K.UNDO_SUCCEEDED): _U.REVERTED,
    (_U.NONE, _K.UNDO_RETRYING): _U.PENDING,
    (_U.PENDING, _K.UNDO_RETRYING): _U.PENDING,
    (_U.RUNNING, _K.UNDO_RETRYING): _U.PENDING,
    (_U.NONE, _K.UNDO_FAILED): _U.FAILED,
    (_U.PENDING, _K.UNDO_FAILED): _U.FAILED,
    (_U.RUNNING, _K.UNDO_FAILED): _U.FAILED,
}
"""The same on the way back."""

STATUS: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.WAITING, Status.SUCCEEDED, Status.COMPENSATING}),
    Status.RUNNING: frozenset({Status.WAITING, Status.SUCCEEDED, Status.COMPENSATING}),
    Status.WAITING: frozenset({Status.RUNNING, Status.SUCCEEDED, Status.COMPENSATING}),
    Status.COMPENSATING: frozenset({Status.REVERTED, Status.FAILED}),
    Status.SUCCEEDED: frozenset({Status.COMPENSATING}),
    Status.FAILED: frozenset({Status.COMPENSATING}),
    Status.REVERTED: frozenset(),
}
"""Which status may follow which. ``succeeded`` is left only when a parent is undone, ``failed`` only by a retry."""


def next_status(current: Status, following: Status) -> Status:
    """Return ``following``.

    Raises:
        IllegalTransitionError: If it cannot follow ``current``.
    """
    if following is not current and following not in STATUS[current]:
        raise IllegalTransitionError(f"An execution that is {current} cannot become {following}.")
    return following
