"""What is written down: rows, journal entries and messages. Values as the stores see them."""

from dataclasses import dataclass, field
from typing import Literal

from euryale.workflows.record.states import EntryKind, Reason, Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an execution's journal. Times are seconds since the epoch.

    Attributes:
        seq: Its number in the journal, from 1.
        kind: What happened.
        at: When.
        step: The node it is about, or an empty string.
        attempt: Which attempt, from 1; 0 when it is about none.
        started: When the attempt began.
        due: When the next attempt begins.
        payload: The output or the error, encoded.
        undo: What the compensation receives, encoded, when that is not the output.
    """

    seq: int
    kind: EntryKind
    at: float
    step: str = ""
    attempt: int = 0
    started: float | None = None
    due: float | None = None
    payload: bytes | None = None
    undo: bytes | None = None


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """What a store knows of an execution besides its journal. Times are seconds since the epoch.

    Attributes:
        id: Its id; given by the caller or made.
        workflow: The workflow's name.
        version: The workflow's version.
        plan_hash: The plan it began with.
        status: Where it stands.
        created_at: When it was created.
        input: Its input, encoded.
        root_id: The outermost execution; its own id if it is no child.
        parent_id: The execution that called it, or an empty string.
        parent_step: The node that called it, or an empty string.
        owner: The worker that drives it, or an empty string.
        epoch: How often it was claimed; a write with an older one is refused.
        reason: Why it turned.
        output: Its result, encoded.
        error: Why it did not succeed, encoded.
        deadline: When it times out.
        finished_at: When it ended.
        retention: Seconds for which it is kept after its end; None: for ever.
    """

    id: str
    workflow: str
    version: int
    plan_hash: str
    status: Status
    created_at: float
    input: bytes
    root_id: str
    parent_id: str = ""
    parent_step: str = ""
    owner: str = ""
    epoch: int = 1
    reason: Reason = Reason.NONE
    output: bytes | None = None
    error: bytes | None = None
    deadline: float | None = None
    finished_at: float | None = None
    retention: float | None = None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A new status of an execution, with what comes with it."""

    status: Status
    reason: Reason = Reason.NONE
    output: bytes | None = None
    error: bytes | None = None
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class StagedEvent:
    """An event that waits for the success of the outermost execution.

    Attributes:
        id: Unique; made of the execution and the node, so that staging it again is no second event.
        root_id: The outermost execution.
        execution_id: The execution that emitted it.
        name: The event's name.
        payload: What it carries, encoded.
        at: When it was staged.
    """

    id: str
    root_id: str
    execution_id: str
    name: str
    payload: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Message:
    """Something told to an execution from outside; the first of its kind and step counts.

    Attributes:
        execution_id: Who it is for.
        kind: What it says.
        step: The node that it is about; empty for ``cancel``.
        payload: The output or the error, encoded.
        at: When it was sent.
    """

    execution_id: str
    kind: Literal["complete", "cancel"]
    step: str
    payload: bytes
    at: float
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """What is written at once, all or nothing, for one execution.

    Attributes:
        execution_id: Whose it is.
        epoch: The writer's epoch; refused if the execution has a newer one.
        entries: Journal entries to append.
        change: The execution's new status, if it has one.
        create: Executions to create: itself, or a child.
        stage: Events to stage.
        events: What becomes of staged events: ``release`` those of this root, ``drop`` those of this execution.
    """

    execution_id: str
    epoch: int
    entries: tuple[Entry, ...] = ()
    change: StatusChange | None = None
    create: tuple[ExecutionRow, ...] = ()
    stage: tuple[StagedEvent, ...] = ()
    events: Literal["keep", "release", "drop"] = "keep"


@dataclass(frozen=True, slots=True)
class Journal:
    """All that a store knows of one execution."""

    row: ExecutionRow
    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = field(default=())
