"""Workflow executions on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from euryale.cloud.wire.base import Told

ExecutionStatus = Literal["pending", "running", "waiting", "compensating", "succeeded", "reverted", "failed"]
TurnReason = Literal["", "error", "timeout", "cancelled"]
StepKind = Literal["step", "child", "emit"]
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


class ExecutionDetail(ExecutionInfo):
    """A workflow execution with its steps, in the order of the workflow."""

    steps: list[StepInfo]
    deployment: str = Field(description="the deployment that it makes; else empty")
    seq: int = Field(description="the number of the last entry of its journal that this shows")


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
