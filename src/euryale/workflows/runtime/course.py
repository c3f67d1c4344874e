"""What everything that is done on the way forward shares: the execution, its lanes, and how it fails."""

from collections.abc import Awaitable
from typing import Any, Final

from euryale.workflows.definition.graph import Vertex
from euryale.workflows.record.entry import StatusChange
from euryale.workflows.record.states import EntryKind, Reason, Status
from euryale.workflows.runtime.failure import INTERRUPTED, Failure
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.resting import Resting
from euryale.workflows.runtime.run import Run, Turn

_RUNNING: Final = Status.RUNNING


class Course:
    """An execution on its way forward.

    Attributes:
        run: The execution.
        lanes: Its strands.
        resting: Decides when it is let go of.
        begun: Nodes that may have done something, in order.
        turn: Why it turned, once it has.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lanes = Lanes()
        self.resting = Resting(run, self.lanes)
        self.begun: dict[str, None] = {}
        self.turn: Turn | None = None

    def has_turned(self) -> bool:
        """Whether nothing new may start any more."""
        return self.turn is not None

    def turn_to(self, turn: Turn) -> None:
        """Take in why it turns: nothing new may start any more."""
        self.turn, self.lanes.ending = turn, True

    def flush(self) -> Awaitable[None]:
        """Write what was noted by a lane that goes on; return when it is durable."""
        change = None if self.run.row.status is _RUNNING else StatusChange(_RUNNING)
        return self.run.flush(change, lone=len(self.lanes.all) == 1)

    def request(self, reason: Reason, failure: Failure) -> bool:
        """Turn now, interrupting whatever runs; False, and nothing happens, if it has turned already.

        If it was let go of, whoever claims it next turns it: the wish is durable, and makes it due at once.
        """
        if self.resting.released is not None:
            return True
        if self.turn is not None:
            return False
        self.turn_to(Turn(reason, failure))
        for lane in self.lanes.all:
            lane.interrupt()
        return True

    def fail(self, lane: Lane, kind: EntryKind, node: str, error: Exception, **details: Any) -> bool:
        """Record the failure and turn; lanes beside it are interrupted if they only wait or their group says so.

        Returns:
            False: the lane does not go on.
        """
        failure = self.run.note_failure(kind, node, error, **details)
        if lane.vertex.goes_on_after_failure or (lane.fan is not None and lane.fan.tolerates()):
            return False
        if self.turn is None:
            self.turn_to(Turn(Reason.ERROR, failure))
            for other in self.lanes.all:
                if other is not lane and (other.idle or self._cancels(lane.vertex, other.vertex)):
                    other.interrupt()
        return False

    def close_interrupted(self, node: str, why: str) -> None:
        """Say of a node that may have begun, and has no outcome, that it may have run, so that it is undone."""
        failure = Failure(INTERRUPTED, f"It was interrupted: {why}.", step=node)
        attempts = self.run.node(node).attempts
        self.run.note(EntryKind.STEP_FAILED, node, attempt=attempts, payload=self.run.encode_failure(failure))

    def _cancels(self, failed: Vertex, beside: Vertex) -> bool:
        """Return whether the innermost group that holds both says that a failure cancels."""
        shared = [group for group in failed.groups if group in beside.groups]
        node: Any = self.run.plan.nodes[shared[-1]] if shared else None
        return node is not None and node.on_failure == "cancel"
