"""Workflow executions on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from euryale.cloud.wire.base import Asked, Told
from euryale.cloud.wire.names import ExecutionId

ExecutionStatus = Literal["pending", "running", "waiting", "compensating", "succeeded", "reverted", "failed"]
TurnReason = Literal["", "error", "timeout", "cancelled"]
StepKind = Literal["step", "child", "emit", "signal", "sleep", "each", "hook", "detach"]
GraphFormat = Literal["svg", "mermaid", "json"]
StepState = Literal["pending", "running", "waiting", "succeeded", "skipped", "failed", "timed_out"]
UndoState = Literal["none", "pending", "running", "reverted", "failed"]


class Accepted(Told):
    """What was asked for has been started, durably."""

    execution: str = Field(description="the workflow execution to follow")


class CancelAnswer(Told):
    """Whether a wish to cancel was new."""

    accepted: bool = Field(description="false if it had ended, or had been asked before")


class FailureInfo(Told):
    """Why an execution did not succeed."""

    code: str
    message: str
    hint: str
    step: str = Field(description="the step that failed; may be empty")
    where: str = Field(default="", description="the last place in the user's own code: file:line in function")


class StepInfo(Told):
    """One step of an execution."""

    id: str
    kind: StepKind
    state: StepState
    undo_state: UndoState
    attempts: int = Field(description="attempts so far")
    undo_attempts: int
    max_attempts: int = Field(description="attempts it is given; 0: unknown")
    started: datetime | None = Field(description="when its last attempt began")
    ended: datetime | None = Field(description="when its last attempt ended")
    due: datetime | None = Field(description="when its next attempt begins")
    error: str = Field(description="why its last attempt failed; else empty")
    child: str = Field(description="the execution that it called; else empty")


class ExecutionInfo(Told):
    """A workflow execution."""

    id: str
    workflow: str
    version: int
    status: ExecutionStatus
    reason: TurnReason = Field(description="why it turned to undoing, if it did")
    created_at: datetime
    finished_at: datetime | None
    parent: str = Field(description="the execution that called it; else empty")
    error: FailureInfo | None
    stranded: str = Field(description="what it lacks to go on; else empty")


class OriginInfo(Told):
    """The execution that another one does again."""

    execution: str = Field(description="the former execution; it may have been deleted since")
    step: str = Field(description="the first step that is done again; empty: the whole is")


class ExecutionDetail(ExecutionInfo):
    """A workflow execution with its steps, in the order of the workflow."""

    steps: list[StepInfo]
    deployment: str = Field(description="the deployment that it makes; else empty")
    seq: int = Field(description="the number of the last entry of its journal that this shows")
    origin: OriginInfo | None = Field(default=None, description="what it does again, if it was forked or is a re-run")


class ExecutionEventInfo(Told):
    """Something that happened to an execution, or to one that it called."""

    execution: str
    parent: str = Field(description="the execution that called it; else empty")
    name: str = Field(description="what, such as step.started, step.retrying or execution.finished")
    at: datetime
    seq: int = Field(description="its number in the execution's journal; 0 for what has only begun")
    step: str = Field(description="the step it is about; else empty")
    attempt: int
    started: datetime | None
    due: datetime | None
    error: str
    status: ExecutionStatus | None = Field(description="the status that the execution ended with, when it ended")


class ForkRequest(Asked):
    """From where an execution is done again."""

    from_step: str = Field(description="the first step that is done again; what came before is adopted", max_length=200)
    id: ExecutionId | None = Field(default=None, description="the new execution's id; default: a new one")


class RerunRequest(Asked):
    """Under which id an execution is done again."""

    id: ExecutionId | None = Field(default=None, description="the new execution's id; default: a new one")


class WorkflowInfo(Told):
    """A workflow that the platform knows."""

    name: str
    version: int
    title: str


class WorkflowList(Told):
    """All workflows, by name."""

    workflows: list[WorkflowInfo]


class ErrorInfo(Told):
    """What went wrong, as the journal keeps it: without secrets."""

    error: str = Field(description="the stable code of the error, or the name of its class")
    message: str
    hint: str
    trace: str = Field(description="the innermost frames, one a line; may be empty")
    step: str = Field(description="the step that failed; may be empty")
    where: str = Field(default="", description="the last place in the user's own code: file:line in function")


class AttemptInfo(Told):
    """One attempt at a step, a child, a wait or a compensation."""

    number: int
    outcome: Literal["running", "waiting", "succeeded", "failed", "timed_out", "interrupted"]
    worker: str = Field(description="who made it; may be empty")
    started: datetime | None
    ended: datetime | None
    due: datetime | None = Field(description="when the next one begins")
    input: dict[str, Any] | None = Field(description="what it was given, secrets redacted; null if that is not known")
    output: Any = Field(description="what it returned, secrets redacted")
    error: ErrorInfo | None


class NodeHistoryInfo(Told):
    """What happened at one step, or at an item of a for_each or a handler of a hook."""

    id: str
    kind: Literal["step", "child", "emit", "signal", "sleep", "each", "hook", "detach", "when"]
    state: StepState
    undo_state: UndoState
    attempts: list[AttemptInfo]
    undo_attempts: list[AttemptInfo]
    output: Any
    adopted: bool = Field(description="whether the execution that this one was forked from did it")
    child: str = Field(description="the execution that it called; else empty")
    ended: datetime | None


class WorkerChangeInfo(Told):
    """From here on another worker drove the execution."""

    worker: str
    at: datetime
    seq: int


class MomentInfo(Told):
    """Something that happened to the execution as a whole."""

    seq: int
    at: datetime
    name: str
    worker: str
    status: ExecutionStatus | None
    error: ErrorInfo | None


class MessageInfo(Told):
    """Something that the execution was told from outside."""

    number: int
    kind: Literal["complete", "signal", "cancel"]
    name: str = Field(description="the step that it completes, or the signal's name")
    at: datetime
    value: Any
    error: ErrorInfo | None
    taken_by: str = Field(description="the node that took the signal in; else empty")


class HistoryInfo(Told):
    """Everything that happened in an execution."""

    id: str
    workflow: str
    version: int
    status: ExecutionStatus
    reason: TurnReason
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    parent_id: str
    root_id: str
    owner: str = Field(description="the worker that drives it now; else empty")
    trace: str = Field(description="the W3C trace context of whoever started it; may be empty")
    input: Any
    output: Any
    error: ErrorInfo | None
    partial: bool
    stranded: str
    nodes: list[NodeHistoryInfo]
    workers: list[WorkerChangeInfo]
    moments: list[MomentInfo]
    messages: list[MessageInfo]
    seq: int
    origin: OriginInfo | None = Field(default=None, description="what it does again, if it was forked or is a re-run")
