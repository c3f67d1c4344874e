"""Which states may follow which: one table, and nothing beside it."""

import itertools

import pytest

from euryale.workflows.errors import IllegalTransitionError
from euryale.workflows.record.entry import Entry
from euryale.workflows.record.execution import ExecutionRecord, StepRecord, advance
from euryale.workflows.record.states import (
    BACKWARD,
    FORWARD,
    STATUS,
    EntryKind,
    Status,
    StepState,
    UndoState,
    next_status,
)

OF_STEPS = [kind for kind in EntryKind if not kind.value.startswith("execution.")]


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(StepState, OF_STEPS)))
def test_forward_entries_follow_the_table_or_are_refused(state, kind):
    record = StepRecord("s", forward=state, backward=UndoState.REVERTED)
    entry = Entry(1, kind, 10.0, "s", attempt=2, payload=b"1")
    if (state, kind) in FORWARD:
        assert advance(record, entry).forward is FORWARD[state, kind]
        assert advance(record, entry).backward is UndoState.REVERTED
    else:
        with pytest.raises(IllegalTransitionError, match=kind.value):
            advance(record, entry)


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(UndoState, OF_STEPS)))
def test_backward_entries_follow_the_table_or_are_refused(state, kind):
    record = StepRecord("s", forward=StepState.SUCCEEDED, backward=state, output=b"o")
    entry = Entry(1, kind, 10.0, "s", attempt=2)
    if (state, kind) in BACKWARD:
        after = advance(record, entry)
        assert (after.forward, after.backward, after.output) == (StepState.SUCCEEDED, BACKWARD[state, kind], b"o")
        assert after.undo_attempts == 2
    else:
        with pytest.raises(IllegalTransitionError):
            advance(record, entry)


@pytest.mark.parametrize(("current", "following"), list(itertools.product(Status, Status)))
def test_a_status_follows_the_table_or_is_refused(current, following):
    if following is current or following in STATUS[current]:
        assert next_status(current, following) is following
    else:
        with pytest.raises(IllegalTransitionError, match=current.value):
            next_status(current, following)


def test_what_has_ended_is_left_only_to_be_undone():
    assert {status for status in Status if status.ended} == {Status.SUCCEEDED, Status.REVERTED, Status.FAILED}
    for status in Status:
        assert status.ended + status.going_forward + (status is Status.COMPENSATING) == 1
        if status.ended:
            assert STATUS[status] <= {Status.COMPENSATING}


def test_a_record_keeps_what_its_entries_said():
    record = ExecutionRecord(
        [
            Entry(1, EntryKind.STEP_RETRYING, 11.0, "s", attempt=1, started=10.0, due=12.0, payload=b"error"),
            Entry(2, EntryKind.STEP_SUCCEEDED, 13.0, "s", attempt=2, started=12.0, payload=b"output", undo=b"undo"),
            Entry(3, EntryKind.TURNED, 14.0, "t", payload=b"why"),
            Entry(4, EntryKind.UNDO_RETRYING, 15.0, "s", attempt=1, due=16.0, payload=b"again"),
            Entry(5, EntryKind.UNDO_FAILED, 17.0, "s", attempt=2, payload=b"for good"),
            Entry(6, EntryKind.FINISHED, 18.0),
        ]
    )
    step = record.step("s")
    assert (step.forward, step.backward) == (StepState.SUCCEEDED, UndoState.FAILED)
    assert (step.attempts, step.undo_attempts, step.output, step.undo) == (2, 2, b"output", b"undo")
    assert (step.started, step.ended, step.due, step.error) == (12.0, 13.0, None, b"for good")
    assert record.step("t") == StepRecord("t")
    assert record.seq == 6


def test_reopening_lets_a_failed_compensation_begin_anew():
    record = ExecutionRecord(
        [
            Entry(1, EntryKind.STEP_SUCCEEDED, 1.0, "s", attempt=1),
            Entry(2, EntryKind.STEP_SUCCEEDED, 1.0, "t", attempt=1),
            Entry(3, EntryKind.UNDO_FAILED, 2.0, "s", attempt=8),
            Entry(4, EntryKind.UNDO_SUCCEEDED, 2.0, "t", attempt=1),
            Entry(5, EntryKind.REOPENED, 3.0),
        ]
    )
    assert (record.step("s").backward, record.step("s").undo_attempts) == (UndoState.PENDING, 0)
    assert record.step("t").backward is UndoState.REVERTED
