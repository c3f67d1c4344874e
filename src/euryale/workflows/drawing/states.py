"""The one state in which a node is drawn, from where it stands forward and backward."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from euryale.workflows.record.states import StepState, UndoState


class NodeState(StrEnum):
    """How a node is drawn."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"

    @property
    def words(self) -> str:
        """What it is called in a picture."""
        return self.value.replace("_", " ")


_BACKWARD: Final[Mapping[UndoState, NodeState]] = {
    UndoState.PENDING: NodeState.UNDOING,
    UndoState.RUNNING: NodeState.UNDOING,
    UndoState.REVERTED: NodeState.UNDONE,
    UndoState.FAILED: NodeState.UNDO_FAILED,
}


def node_state(forward: StepState, backward: UndoState = UndoState.NONE) -> NodeState:
    """Return how a node is drawn; one that has failed is drawn so, also when it was undone, unless that gave up."""
    if forward.is_failure and backward is not UndoState.FAILED:
        return NodeState(forward.value)
    return _BACKWARD.get(backward) or NodeState(forward.value)
