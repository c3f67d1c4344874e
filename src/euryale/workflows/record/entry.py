"""What is written down: rows, journal entries and messages. Values as the stores see them.

What is made anew at every step is a ``msgspec.Struct``: one is made ten times faster than a frozen dataclass.
"""

from typing import Literal

import msgspec

from euryale.workflows.record.states import EntryKind, Reason, Slot, Status


class Entry(msgspec.Struct, frozen=True, gc=False):
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
        message: The number of the message that it took in, 0 for none.
        worker: Who wrote it, if that is somebody else than wrote the entry before; else an empty string.
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
    message: int = 0
    worker: str = ""


class ExecutionRow(msgspec.Struct, frozen=True, gc=False):
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
        owner: The worker that drives it; empty while it waits to be claimed.
        epoch: How often its owner changed; a write with an older one is refused.
        reason: Why it turned.
        output: Its result, encoded.
        error: Why it did not succeed, encoded.
        finished_at: When it ended.
        retention: Seconds for which it is kept after its end; None: for ever.
        queue: The queue that it waits in, or an empty string.
        priority: Who is claimed first: the highest.
        available_at: When it may be claimed, while nobody owns it; None: not before it is told something.
        started_at: When it was first claimed.
        messages: How many messages it was sent.
        stranded: Why no worker can drive it on, or an empty string.
        partial: Whether a step of it failed that was allowed to.
        trace: The W3C trace context of whoever started it, or an empty string.
        slot: Where it stands in its queue.
        queue_key: Its key in its queue, or an empty string.
        dedup_key: While it has not ended, starting one with the same key in its queue joins it; or an empty string.
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
    finished_at: float | None = None
    retention: float | None = None
    queue: str = ""
    priority: int = 0
    available_at: float | None = None
    started_at: float | None = None
    messages: int = 0
    stranded: str = ""
    partial: bool = False
    trace: str = ""
    slot: Slot = Slot.NONE
    queue_key: str = ""
    dedup_key: str = ""


class StatusChange(msgspec.Struct, frozen=True, gc=False):
    """A new status of an execution, with what comes with it."""

    status: Status
    reason: Reason = Reason.NONE
    output: bytes | None = None
    error: bytes | None = None
    finished_at: float | None = None
    partial: bool = False


class Release(msgspec.Struct, frozen=True, gc=False):
    """Its worker lets go of an execution: anybody may claim it when it has something to do again.

    Attributes:
        due: When that is by the clock; None: not before it is told something.
        seen: How many messages the worker has taken in; if there are more by now, it has something to do at once.
        stranded: Why no worker can drive it on, or an empty string.
    """

    due: float | None
    seen: int
    stranded: str = ""


class StagedEvent(msgspec.Struct, frozen=True, gc=False):
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


class Message(msgspec.Struct, frozen=True, gc=False):
    """Something told to an execution from outside; the first of its kind, step and key counts.

    Attributes:
        execution_id: Who it is for.
        kind: What it says. ``mark`` gives a step its outcome by hand, ``undone`` says that it was undone by hand.
        step: The node that it is about, or the signal's name; empty for ``cancel``.
        payload: The output, the error or the signal's value, encoded.
        at: When it was sent.
        failed: Whether the payload is an error.
        key: Tells signals of one name apart.
        number: Which one it is among the execution's, from 1; given by the store.
    """

    execution_id: str
    kind: Literal["complete", "cancel", "signal", "mark", "undone"]
    step: str
    payload: bytes
    at: float
    failed: bool = False
    key: str = ""
    number: int = 0


class Commit(msgspec.Struct, frozen=True):
    """What is written at once, all or nothing, for one execution.

    Attributes:
        execution_id: Whose it is.
        epoch: The writer's epoch; refused if the execution has a newer one.
        entries: Journal entries to append.
        change: The execution's new status, if it has one.
        create: Executions to create: itself, or a child.
        stage: Events to stage.
        events: What becomes of staged events: ``release`` those of this root, ``drop`` those of this execution.
        release: Given if the worker lets go of the execution.
        wake: An execution that waits for this one, or an empty string: it counts as told something.
        heard: How many messages its worker has taken in, if it is to be refused when a cancellation was kept that is
            not among them; None: it is written whatever was told.
    """

    execution_id: str
    epoch: int
    entries: tuple[Entry, ...] = ()
    change: StatusChange | None = None
    create: tuple[ExecutionRow, ...] = ()
    stage: tuple[StagedEvent, ...] = ()
    events: Literal["keep", "release", "drop"] = "keep"
    release: Release | None = None
    wake: str = ""
    heard: int | None = None

    @property
    def only_appends(self) -> bool:
        """Whether it is nothing but journal entries, as most commits are."""
        riding = self.change or self.create or self.stage or self.release or self.wake
        return not riding and self.events == "keep"


class Journal(msgspec.Struct, frozen=True):
    """All that a store knows of one execution."""

    row: ExecutionRow
    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def last_worker(self) -> str:
        """Who wrote its last entry; an empty string if no worker did."""
        return next((each.worker for each in reversed(self.entries) if each.worker), "")
