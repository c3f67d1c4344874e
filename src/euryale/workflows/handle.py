"""A handle on an execution, and what can be seen of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, overload

from euryale.kit.errors import with_hint
from euryale.workflows.definition.nodes import ChoiceNode, EachNode, HookNode, ParallelNode, Signal
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.errors import (
    ExecutionCancelled,
    ExecutionError,
    ExecutionFailed,
    ExecutionReverted,
    ExecutionTimedOut,
)
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import Entry, ExecutionRow, Journal
from euryale.workflows.record.execution import ExecutionRecord, StepRecord
from euryale.workflows.record.origin import Origin, origin_of
from euryale.workflows.record.states import Reason, Slot, Status, StepState, UndoState
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.feed import ExecutionEvent

O = TypeVar("O")  # noqa: E741 -- the output's type
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StepView:
    """What can be seen of one node of an execution.

    Attributes:
        id: The node.
        kind: ``step``, ``child``, ``emit``, ``signal``, ``sleep``,
            ``each``, ``hook`` or ``detach``.
        state: Where it stands on the way forward.
        undo_state: Where it stands on the way back.
        attempts: Attempts so far.
        undo_attempts: Attempts to undo it so far.
        started: When its last attempt began.
        ended: When its last attempt ended.
        due: When its next attempt begins.
        error: Why its last attempt failed, or an empty string.
    """

    id: str
    kind: str
    state: StepState
    undo_state: UndoState
    attempts: int
    undo_attempts: int
    started: datetime | None
    ended: datetime | None
    due: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """What can be seen of an execution.

    Attributes:
        id: Its id.
        workflow: The workflow's name.
        version: The workflow's version.
        status: Where it stands.
        reason: Why it turned, if it did.
        created_at: When it was created.
        finished_at: When it ended.
        parent_id: The execution that called it, or an empty string.
        error: Why it did not succeed, or None.
        stranded: What it lacks to go on, or an empty string.
        steps: Its nodes, in composition order; empty in a list.
        queue: The queue that it was started in, or an empty string.
        key: Its key in its queue, or an empty string.
        priority: Of those that wait, the ones with the highest begin first.
        slot: Where it stands in its queue.
        partial: Whether it has succeeded although a step of it failed that was allowed to.
        seq: The number of the last entry of its journal that ``steps`` shows; 0 in a list.
        origin: The execution that it does again, if it was forked or is a re-run; None in a list.
    """

    id: str
    workflow: str
    version: int
    status: Status
    reason: Reason
    created_at: datetime
    finished_at: datetime | None
    parent_id: str
    error: Failure | None
    stranded: str = ""
    steps: tuple[StepView, ...] = ()
    seq: int = 0
    partial: bool = False
    queue: str = ""
    key: str = ""
    priority: int = 0
    slot: Slot = Slot.NONE
    origin: Origin | None = None

    @property
    def cursor(self) -> tuple[float, str]:
        """Where a list goes on behind it: ``ExecutionQuery(before=page[-1].cursor)`` asks for the next page."""
        return self.created_at.timestamp(), self.id


@overload
def moment(seconds: float) -> datetime: ...


@overload
def moment(seconds: None) -> None: ...


@overload
def moment(seconds: float | None) -> datetime | None: ...


def moment(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as an aware datetime."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def view_row(
    row: ExecutionRow,
    codec: Codec,
    *,
    stranded: str = "",
    steps: tuple[StepView, ...] = (),
    entries: tuple[Entry, ...] = (),
) -> ExecutionView:
    """Return what can be seen of an execution's row."""
    return ExecutionView(
        id=row.id,
        workflow=row.workflow,
        version=row.version,
        status=row.status,
        reason=row.reason,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        finished_at=moment(row.finished_at),
        parent_id=row.parent_id,
        error=None if row.error is None else codec.decode(row.error, Failure, "an error"),
        stranded=stranded,
        steps=steps,
        seq=entries[-1].seq if entries else 0,
        origin=origin_of(entries),
        partial=row.partial,
        queue=row.queue,
        key=row.queue_key,
        priority=row.priority,
        slot=row.slot,
    )


def view_steps(
    journal: Journal, plan: Plan, codec: Codec, attempting: frozenset[str] = frozenset()
) -> tuple[StepView, ...]:
    """Return what can be seen of an execution's nodes; at those of ``attempting`` an attempt is under way."""
    record = ExecutionRecord(journal.entries)
    ended = journal.row.status.ended or journal.row.status is Status.COMPENSATING
    views = []
    for node_id, kind in list_nodes(plan, record):
        if kind == ChoiceNode.kind:
            continue
        step = record.step(node_id)
        unreached = ended and step.forward is StepState.PENDING and not step.attempts
        failure: Failure | None = None if step.error is None else codec.decode(step.error, Failure, "an error")
        views.append(
            StepView(
                id=node_id,
                kind=kind,
                state=_forward_state(step, attempting=node_id in attempting, skipped=unreached),
                undo_state=_backward_state(step, attempting=node_id in attempting),
                attempts=step.attempts,
                undo_attempts=step.undo_attempts,
                started=moment(step.started),
                ended=moment(step.ended),
                due=moment(step.due),
                error=with_hint(failure.message, failure.hint) if failure else "",
            )
        )
    return tuple(views)


def list_nodes(plan: Plan, record: ExecutionRecord) -> Iterator[tuple[str, str]]:
    """Yield the ids and kinds of a plan's nodes at which something happens; behind a ``for_each``, its items so far."""
    items = sorted((node for node in record.steps if node.endswith("]")), key=_item_order)
    for node in plan.nodes.values():
        if isinstance(node, ParallelNode):
            continue
        yield node.id, node.kind
        if isinstance(node, (EachNode, HookNode)):
            kind = "step" if isinstance(node, HookNode) or isinstance(node.body, Step) else "child"
            yield from ((item, kind) for item in items if item.rpartition("[")[0] == node.id)


def _item_order(node: str) -> int:
    number = node.rpartition("[")[2].removesuffix("]")
    return int(number) if number.isdecimal() else 0


def _forward_state(step: StepRecord, *, attempting: bool, skipped: bool) -> StepState:
    if skipped:
        return StepState.SKIPPED
    return StepState.RUNNING if attempting and step.forward is StepState.PENDING else step.forward


def _backward_state(step: StepRecord, *, attempting: bool) -> UndoState:
    undoing = attempting and step.forward not in {StepState.PENDING, StepState.WAITING}
    return UndoState.RUNNING if undoing and step.backward in {UndoState.NONE, UndoState.PENDING} else step.backward


class _Engine(Protocol):
    """What a handle asks of its engine."""

    async def result(self, execution_id: str, output_type: Any) -> Any: ...

    async def get(self, execution_id: str) -> ExecutionView: ...

    async def cancel(self, execution_id: str) -> bool: ...

    async def signal(self, execution_id: str, signal: Signal[Any], value: Any, *, key: str = "") -> bool: ...

    def events(self, execution_id: str) -> AsyncIterator[ExecutionEvent]: ...


class Handle(Generic[O]):
    """An execution that was started.

    Attributes:
        id: Its id.
    """

    def __init__(self, engine: _Engine, execution_id: str, output_type: Any) -> None:
        self._engine = engine
        self._output_type = output_type
        self.id = execution_id

    async def result(self) -> O:
        """Return its result when it has one.

        Raises:
            ExecutionReverted: If a step failed for good and everything was undone.
            ExecutionCancelled: If it was cancelled.
            ExecutionTimedOut: If it took too long.
            ExecutionFailed: If something could not be undone.
        """
        output: O = await self._engine.result(self.id, self._output_type)
        return output

    async def view(self) -> ExecutionView:
        """Return what can be seen of it now."""
        return await self._engine.get(self.id)

    async def status(self) -> Status:
        """Return where it stands now."""
        return (await self._engine.get(self.id)).status

    async def signal(self, signal: Signal[T], value: T, *, key: str = "") -> bool:
        """Tell it something; see :meth:`Engine.signal`."""
        return await self._engine.signal(self.id, signal, value, key=key)

    async def cancel(self) -> bool:
        """Ask it to end and to be undone; False if it has ended, is being undone, or was asked before."""
        return await self._engine.cancel(self.id)

    def events(self) -> AsyncIterator[ExecutionEvent]:
        """Yield what has happened to it and what happens, until it has ended."""
        return self._engine.events(self.id)


_ERRORS: dict[Reason, Callable[..., ExecutionError]] = {
    Reason.CANCELLED: ExecutionCancelled,
    Reason.TIMEOUT: ExecutionTimedOut,
}


def outcome_error(outcome: Outcome) -> ExecutionError:
    """Return the error that tells how an execution ended without success."""
    failure = outcome.failure or Failure("workflows.execution", f"It ended {outcome.row.status}.")
    where = f" at step {failure.step!r}" if failure.step else ""
    text = f"{outcome.row.workflow} ({outcome.row.id}) was not done{where}: {with_hint(failure.text, failure.hint)}"
    details = {"execution": outcome.row.id, "step": failure.step, "error": failure.error}
    if outcome.row.status is Status.FAILED:
        return ExecutionFailed(with_hint(text, "Not everything could be undone."), **details)
    return _ERRORS.get(outcome.row.reason, ExecutionReverted)(text, **details)
