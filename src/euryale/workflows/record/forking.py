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


def adopted_entries(
    entries: Collection[Entry], *, nodes: Collection[str], again: Collection[str], at: float
) -> tuple[Entry, ...]:
    """Return what the journal of a new execution takes over, of the nodes that are not done again.

    What a node did stays the business of the execution that did it: the new one does not undo it.

    Args:
        entries: The journal of the former execution.
        nodes: The nodes that the new one's plan has; of others nothing is taken over.
        again: Those of them that are done again.
        at: When, in seconds since the epoch.

    Raises:
        WorkflowError: If one of the outcomes was undone.
    """
    record = ExecutionRecord(entries)
    taken: list[Entry] = []
    for entry in entries:
        kind = _TAKEN.get(entry.kind)
        node = entry.step if entry.step in nodes else entry.step.rpartition("[")[0]  # that of an item or a handler
        if kind is None or node not in nodes or node in again:
            continue
        step = record.step(entry.step)
        if step.forward is not StepState.SUCCEEDED:
            continue
        if step.backward is not UndoState.NONE:
            raise WorkflowError(
                f"Step {entry.step!r} was undone, so that its result is worth nothing.",
                hint="Begin there or before, or do the whole again: engine.rerun(id, id=NEW).",
            )
        taken.append(replace(entry, kind=kind, at=at, message=0, worker=""))
    return tuple(taken)
