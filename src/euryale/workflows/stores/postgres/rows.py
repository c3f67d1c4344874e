"""From what the database gives to rows, entries, messages and events. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from euryale.workflows.record.entry import Entry, ExecutionRow, Journal, Message, StagedEvent
from euryale.workflows.record.states import EntryKind, Reason, Slot, Status
from euryale.workflows.requests import Entered, Entrance, Told


def journal(row: Sequence[Any]) -> Journal:
    """Return an execution with its entries and messages."""
    *values, entries, messages = row
    return Journal(execution(values), tuple(map(_entry, entries)), tuple(Message(*each) for each in messages))


def execution(row: Sequence[Any]) -> ExecutionRow:
    """Return an execution."""
    values = ExecutionRow(*row)
    return replace(values, status=Status(values.status), reason=Reason(values.reason), slot=Slot(values.slot))


def _entry(row: Sequence[Any]) -> Entry:
    seq, kind, *rest = row
    return Entry(seq, EntryKind(kind), *rest)


def event(row: Sequence[Any]) -> StagedEvent:
    """Return an event."""
    return StagedEvent(*row)


def entered(row: Sequence[Any], entrance: Entrance) -> Entered:
    """Return what became of an execution that was to enter a queue."""
    verdict, execution_id, *told = row
    answers = zip(*(each or () for each in told), strict=True)
    return Entered(
        verdict,
        execution_id,
        tuple((entrance.told(other), Told(number, Status(status), owner)) for other, number, status, owner in answers),
    )
