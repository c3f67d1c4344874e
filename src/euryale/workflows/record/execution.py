"""The record of an execution: what its journal amounts to."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from euryale.workflows.errors import IllegalTransitionError
from euryale.workflows.record.entry import Entry
from euryale.workflows.record.states import BACKWARD, FAILURES, FORWARD, EntryKind, StepState, UndoState


class StepRecord(msgspec.Struct, frozen=True, gc=False):
    """What is known of one node of the plan. Times are seconds since the epoch.

    Attributes:
        id: The node.
        forward: Where it stands on the way forward.
        backward: Where it stands on the way back.
        attempts: Attempts whose end was recorded.
        undo_attempts: Attempts to undo it whose end was recorded.
        started: When the last attempt began.
        ended: When the last attempt ended.
        due: When the next attempt begins.
        output: What it returned, encoded.
        undo: What its compensation receives, encoded; None: the output.
        error: Why the last attempt failed, encoded.
        adopted: Whether another execution did it, whose business it is to undo it.
    """

    id: str
    forward: StepState = StepState.PENDING
    backward: UndoState = UndoState.NONE
    attempts: int = 0
    undo_attempts: int = 0
    started: float | None = None
    ended: float | None = None
    due: float | None = None
    output: bytes | None = None
    undo: bytes | None = None
    error: bytes | None = None
    adopted: bool = False


_ABOUT_NO_STEP: Final = frozenset({EntryKind.TURNED, EntryKind.FINISHED})
_ABOUT_AN_ERROR: Final = frozenset({EntryKind.STEP_RETRYING, EntryKind.STEP_FAILED, EntryKind.STEP_TIMED_OUT})
_NOT_ENDED: Final = frozenset({StepState.WAITING, StepState.PENDING})


def advance(record: StepRecord, entry: Entry) -> StepRecord:
    """Return the record after ``entry``.

    Raises:
        IllegalTransitionError: If the entry cannot follow.
    """
    if (following := FORWARD.get((record.forward, entry.kind))) is not None:
        return _forward(record, entry, following)
    if (undone := BACKWARD.get((record.backward, entry.kind))) is not None:
        return replace(
            record, backward=undone, undo_attempts=max(record.undo_attempts, entry.attempt), due=entry.due,
            error=entry.payload or record.error,
        )  # fmt: skip
    raise IllegalTransitionError(
        f"Step {record.id!r} is {record.forward}/{record.backward}: {entry.kind} cannot follow."
    )


def _forward(record: StepRecord, entry: Entry, state: StepState) -> StepRecord:
    succeeded = state is StepState.SUCCEEDED
    return StepRecord(
        record.id,
        state,
        record.backward,
        max(record.attempts, entry.attempt),
        record.undo_attempts,
        entry.started if entry.started is not None else record.started,
        entry.at if state not in _NOT_ENDED else None,
        entry.due,
        entry.payload if succeeded else record.output,
        entry.undo if entry.undo is not None else record.undo,
        entry.payload if entry.kind in _ABOUT_AN_ERROR else record.error,
        entry.kind is EntryKind.ADOPTED,
    )


class ExecutionRecord:
    """The records of an execution's steps, kept up to date by its entries."""

    __slots__ = ("consumed", "seq", "steps")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.steps: dict[str, StepRecord] = {}
        self.consumed: set[int] = set()
        self.seq = 0
        for entry in entries:
            self.apply(entry)

    def step(self, node: str) -> StepRecord:
        """Return what is known of a node."""
        return self.steps.get(node) or StepRecord(node)

    def apply(self, entry: Entry) -> None:
        """Take an entry in.

        Raises:
            IllegalTransitionError: If it cannot follow.
        """
        self.seq = entry.seq
        if entry.message:
            self.consumed.add(entry.message)
        if entry.kind is EntryKind.REOPENED:
            self._reopen()
        elif entry.step and entry.kind not in _ABOUT_NO_STEP:
            self.steps[entry.step] = advance(self.steps.get(entry.step) or StepRecord(entry.step), entry)

    @property
    def has_failures(self) -> bool:
        """Whether a step has failed; of an execution that has succeeded, one that was allowed to."""
        return any(step.forward in FAILURES for step in self.steps.values())

    def _reopen(self) -> None:
        """Let compensations that gave up be tried again, with all of their attempts."""
        for node, record in self.steps.items():
            if record.backward is UndoState.FAILED:
                self.steps[node] = replace(record, backward=UndoState.PENDING, undo_attempts=0, due=None)
