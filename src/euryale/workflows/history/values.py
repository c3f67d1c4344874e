"""What a history consists of. All values in it are plain, secrets are redacted: it may be logged, sent and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from euryale.workflows.errors import WorkflowError
from euryale.workflows.record.origin import Origin
from euryale.workflows.record.states import Reason, Status, StepState, UndoState
from euryale.workflows.runtime.failure import Failure


class AttemptOutcome(StrEnum):
    """What became of an attempt."""

    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step, a child, a wait, or a compensation.

    Attributes:
        number: Which one, from 1.
        outcome: What became of it. ``interrupted``: it may have run, and was ended before it could say.
        worker: Who made it; empty if that is not known.
        started: When it began; None if that is not known.
        ended: When it ended; None while it is under way.
        due: When the next one begins, if there is to be one.
        input: What it was given, by parameter; None if there is nothing to give, or it cannot be computed any more.
        output: What it returned, or what came with the signal.
        error: Why it failed, or None.
    """

    number: int
    outcome: AttemptOutcome
    worker: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    due: datetime | None = None
    input: Mapping[str, Any] | None = None
    output: Any = None
    error: Failure | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took, or None if that is not known (yet)."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True, slots=True)
class NodeHistory:
    """What happened at one node of the plan, an item of a ``for_each`` or a handler of a hook.

    Attributes:
        id: The node.
        kind: ``step``, ``child``, ``emit``, ``signal``, ``sleep``, ``each``, ``hook``, ``detach`` or ``when``.
        state: Where it stands on the way forward.
        undo_state: Where it stands on the way back.
        attempts: Its attempts, in order.
        undo_attempts: The attempts to undo it, in order.
        output: What it returned; of a ``when`` whether it was so.
        adopted: Whether the execution that this one was forked from did it.
        child: The execution that it called, or an empty string.
        ended: When it was done or given up, or None.
    """

    id: str
    kind: str
    state: StepState
    undo_state: UndoState = UndoState.NONE
    attempts: tuple[Attempt, ...] = ()
    undo_attempts: tuple[Attempt, ...] = ()
    output: Any = None
    adopted: bool = False
    child: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerChange:
    """From here on another worker wrote the journal: it had claimed the execution, or taken it over.

    Attributes:
        worker: The worker.
        at: When it first wrote.
        seq: The number of its first entry.
    """

    worker: str
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to the execution as a whole.

    Attributes:
        seq: The number of its entry.
        at: When.
        name: ``execution.forked`` or ``execution.rerun`` at its beginning, ``execution.compensating``,
            ``execution.reopened`` or ``execution.finished``.
        worker: Who wrote it.
        status: The status that the execution ended with, or None.
        error: Why it turned, or None.
    """

    seq: int
    at: datetime
    name: str
    worker: str = ""
    status: Status | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """Something that the execution was told from outside.

    Attributes:
        number: Which one, from 1.
        kind: ``complete``, ``signal`` or ``cancel``; ``mark`` or ``undone`` for what a person said of a step.
        name: The node that it is about, or the signal's name; empty for ``cancel``.
        at: When it was sent.
        value: What came with it.
        error: Why the node failed, if it says so.
        taken_by: The node that took a signal or a mark in, or an empty string.
    """

    number: int
    kind: str
    name: str
    at: datetime
    value: Any = None
    error: Failure | None = None
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened in an execution.

    Attributes:
        id: Its id.
        workflow: The workflow's name.
        version: The workflow's version.
        status: Where it stands.
        reason: Why it turned, if it did.
        created_at: When it was created.
        started_at: When it was first claimed, or None.
        finished_at: When it ended, or None.
        parent_id: The execution that called it, or an empty string.
        parent_step: The node that called it, or an empty string.
        root_id: The outermost execution.
        owner: The worker that drives it now, or an empty string.
        trace: The W3C trace context of whoever started it, or an empty string.
        input: What it was given.
        output: What it returned, if it has succeeded.
        error: Why it did not succeed, or None.
        partial: Whether it has succeeded although a step of it failed that was allowed to.
        stranded: What it lacks to go on, or an empty string.
        nodes: Its nodes in composition order, items and handlers behind theirs.
        workers: Who drove it, one after the other.
        moments: What happened to it as a whole.
        messages: What it was told from outside.
        seq: The number of the last entry of its journal that this shows.
        origin: The execution that it does again, if it was forked or is a re-run.
    """

    id: str
    workflow: str
    version: int
    status: Status
    reason: Reason
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    parent_id: str
    parent_step: str
    root_id: str
    owner: str
    trace: str
    input: Any
    output: Any
    error: Failure | None
    partial: bool
    stranded: str
    nodes: tuple[NodeHistory, ...]
    workers: tuple[WorkerChange, ...]
    moments: tuple[Moment, ...]
    messages: tuple[ReceivedMessage, ...]
    seq: int
    origin: Origin | None = None

    def node(self, node: str) -> NodeHistory:
        """Return what happened at a node.

        Raises:
            WorkflowError: If there is no such node.
        """
        for each in self.nodes:
            if each.id == node:
                return each
        known = ", ".join(each.id for each in self.nodes) or "none"
        raise WorkflowError(f"{self.id} has no node {node!r}.", hint=f"It has {known}.")

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        document: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        return document
