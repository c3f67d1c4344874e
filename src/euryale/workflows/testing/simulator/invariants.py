"""What must be true of every execution in the end, by its journal; and of a family of them, and of its events."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from euryale.workflows.definition.nodes import StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.record.entry import Entry, Journal
from euryale.workflows.record.execution import ExecutionRecord
from euryale.workflows.record.states import EntryKind, Reason, Status, StepState, UndoState
from euryale.workflows.testing.simulator.places import has_undo, outer, places

_FORWARD: Final = frozenset(
    {
        EntryKind.STEP_SUCCEEDED,
        EntryKind.STEP_RETRYING,
        EntryKind.STEP_WAITING,
        EntryKind.STEP_FAILED,
        EntryKind.STEP_TIMED_OUT,
        EntryKind.CHOSEN,
        EntryKind.EMITTED,
    }
)
_OUTCOMES: Final = frozenset(
    {EntryKind.STEP_SUCCEEDED, EntryKind.STEP_FAILED, EntryKind.STEP_TIMED_OUT, EntryKind.CHOSEN, EntryKind.EMITTED}
)
_BACKWARD: Final = frozenset({EntryKind.UNDO_SUCCEEDED, EntryKind.UNDO_RETRYING, EntryKind.UNDO_FAILED})
_SETTLED: Final = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.TIMED_OUT})
_AFTER_END: Final = frozenset({EntryKind.TURNED, EntryKind.REOPENED})


def journal_violations(journal: Journal, plan: Plan, begun: Collection[str]) -> Iterator[str]:
    """Yield what one execution's journal shows that must not be.

    Args:
        journal: The execution, which has ended.
        plan: Its plan.
        begun: The nodes at which an attempt began, as far as somebody saw it.
    """
    row, entries = journal.row, journal.entries
    if not row.status.ended:
        yield f"it is {row.status}, owned by {row.owner or 'nobody'}: {row.stranded}"
        return
    if row.owner:
        yield f"it has ended and is owned by {row.owner}"
    if [entry.seq for entry in entries] != list(range(1, len(entries) + 1)):
        yield "its journal has a gap"
    if row.status is Status.SUCCEEDED and any(each.kind == "cancel" for each in journal.messages):
        yield "it has succeeded although it was cancelled before"
    yield from _order(entries)
    yield from _repetitions(entries)
    yield from _attempts(entries)
    yield from _outcome(journal, plan)
    if row.status is not Status.SUCCEEDED:
        yield from _undone(journal, plan, begun)
        yield from _undo_order(entries, plan)


def _order(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Nothing after the outcome but what turns it; no way forward after the turn; no way back before it."""
    turned, ended = False, False
    for entry in entries:
        if ended and entry.kind not in _AFTER_END:
            yield f"entry {entry.seq} ({entry.kind} {entry.step}) comes after its end"
        if turned and entry.kind in _FORWARD:
            yield f"entry {entry.seq} ({entry.kind} {entry.step}) goes forward after the turn"
        if not turned and entry.kind in _BACKWARD:
            yield f"entry {entry.seq} ({entry.kind} {entry.step}) goes back before the turn"
        turned = turned or entry.kind is EntryKind.TURNED
        ended = entry.kind is EntryKind.FINISHED
    if not ended:
        yield "its journal does not end with its end"


def _repetitions(entries: tuple[Entry, ...]) -> Iterator[str]:
    outcomes = Counter(entry.step for entry in entries if entry.kind in _OUTCOMES)
    undone = Counter(entry.step for entry in entries if entry.kind is EntryKind.UNDO_SUCCEEDED)
    for what, counted in (("outcome", outcomes), ("undoing", undone)):
        yield from (f"the {what} of {step} is recorded {count} times" for step, count in counted.items() if count > 1)


def _attempts(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Attempts are counted up, and no further once a step has its outcome; a new start of undoing counts anew."""
    last: defaultdict[tuple[str, bool], int] = defaultdict(int)
    for entry in entries:
        if entry.kind is EntryKind.REOPENED:
            for key in [key for key in last if key[1]]:
                del last[key]
        if entry.kind not in {EntryKind.STEP_RETRYING, *_BACKWARD} or entry.message:
            continue  # what somebody said by hand is no attempt
        key = (entry.step, entry.kind in _BACKWARD)
        if entry.attempt <= last[key]:
            yield f"attempt {entry.attempt} of {entry.step} is recorded after attempt {last[key]}"
        last[key] = entry.attempt


def _outcome(journal: Journal, plan: Plan) -> Iterator[str]:
    row, record = journal.row, ExecutionRecord(journal.entries)
    failed = [step.id for step in record.steps.values() if step.forward.is_failure]
    if row.status is Status.SUCCEEDED:
        if row.partial != bool(failed):
            yield f"it says {'' if row.partial else 'not '}to be partial, and {failed or 'nothing'} failed"
        for node in _unconditional(plan):
            if record.step(node).forward not in _SETTLED:
                yield f"it has succeeded without {node}"
    if row.status is not Status.SUCCEEDED and row.reason is Reason.NONE:
        yield f"it is {row.status} for no reason"
    if row.reason is Reason.TIMEOUT and plan.timeout is None:
        yield "it timed out, and has no time limit"
    gave_up = [step.id for step in record.steps.values() if step.backward is UndoState.FAILED]
    if (row.status is Status.FAILED) != bool(gave_up):
        yield f"it is {row.status}, and the compensations of {gave_up or 'none'} gave up"


def _unconditional(plan: Plan) -> Iterator[str]:
    """Yield the nodes that every execution passes through."""
    if any(isinstance(node, StepNode) and node.step.options.skip_to for node in plan.nodes.values()):
        return
    yield from (node.id for node in plan.body if not node.blocks)


def _undone(journal: Journal, plan: Plan, begun: Collection[str]) -> Iterator[str]:
    """All that ran, may have run or was said to have, and has something to undo, was undone or gave up."""
    record = ExecutionRecord(journal.entries)
    done = [each.id for each in record.steps.values() if each.forward in _SETTLED and not each.adopted]
    for node in dict.fromkeys([*begun, *done]):
        step = record.step(node)
        if step.forward not in _SETTLED:
            yield f"{node} began, and its journal does not say so"
        elif step.backward is UndoState.NONE and has_undo(plan, node):
            yield f"{node} is {step.forward}, and was not undone"


def _undo_order(entries: tuple[Entry, ...], plan: Plan) -> Iterator[str]:
    """What came behind is undone before, whatever became of it."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for entry in entries:
        if entry.kind is EntryKind.REOPENED:
            return
        if entry.kind in _BACKWARD:
            first.setdefault(outer(entry.step), entry.seq)
            last[outer(entry.step)] = entry.seq
    for node, place in places(plan).items():
        for behind in place.behind & last.keys():
            if node in first and first[node] < last[behind]:
                yield f"{node} is undone before {behind}"


def family_violations(journals: Mapping[str, Journal]) -> Iterator[str]:
    """Yield what executions show together with those that they called."""
    for journal in journals.values():
        parent = journals.get(journal.row.parent_id)
        if parent is None:
            continue
        mine, above = journal.row.status, parent.row.status
        if above is Status.REVERTED and mine is not Status.REVERTED:
            yield f"{journal.row.id} is {mine}, and what called it is {above}"
        if above is Status.FAILED and mine is Status.SUCCEEDED:
            yield f"{journal.row.id} is {mine}, and what called it is {above}"


def event_violations(journals: Mapping[str, Journal], delivered: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield what is wrong about events: those of what has succeeded are delivered, and no others.

    Args:
        journals: All executions.
        delivered: The ids of the events that were delivered, by the execution that emitted them.
    """
    for name, journal in journals.items():
        staged = sum(entry.kind is EntryKind.EMITTED for entry in journal.entries)
        wanted = staged if _counts(journal, journals) else 0
        if len(delivered.get(name, ())) != wanted:
            yield f"{len(delivered.get(name, ()))} events of {name} were delivered, and not {wanted}"


def _counts(journal: Journal, journals: Mapping[str, Journal]) -> bool:
    """Return whether an execution and all those above it have succeeded."""
    while journal.row.status is Status.SUCCEEDED:
        if not journal.row.parent_id:
            return True
        journal = journals[journal.row.parent_id]
    return False
