"""Which of an execution's outcomes a new one takes over that begins in its midst. Pure."""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec.structs import replace

from euryale.workflows.errors import WorkflowError
from euryale.workflows.record.entry import Entry
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.states import EntryKind, StepState, UndoState

_TAKEN: Final[Mapping[EntryKind, EntryKind]] = {
    EntryKind.STEP_SUCCEEDED: EntryKind.ADOPTED,
    EntryKind.ADOPTED: EntryKind.ADOPTED,
    EntryKind.CHOSEN: EntryKind.CHOSEN,
}


def adopted_entries(entries: Collection[Entry], again: Collection[str], at: float) -> tuple[Entry, ...]:
    """Return the beginning of a journal that takes the outcomes over, but for the nodes that are done again.

    What a node did stays the business of the execution that did it: the new one does not undo it.

    Args:
        entries: The journal of the former execution.
        again: The nodes that are done again.
        at: When, in seconds since the epoch.

    Raises:
        WorkflowError: If one of the outcomes was undone.
    """
    record = ExecutionRecord(entries)
    taken: list[Entry] = []
    for entry in entries:
        kind = _TAKEN.get(entry.kind)
        if kind is None or entry.step.partition("[")[0] in again or entry.step in again:
            continue
        step = record.step(entry.step)
        if step.forward is not StepState.SUCCEEDED:
            continue
        if step.backward is not UndoState.NONE:
            raise WorkflowError(
                f"Step {entry.step!r} was undone, so that its result is worth nothing.",
                hint="Begin there or before, or do the whole again: engine.rerun(id, id=NEW).",
            )
        taken.append(replace(entry, seq=len(taken) + 1, kind=kind, at=at, message=0, worker=""))
    return tuple(taken)
