"""One execution in memory: its record, its values, and its way to the journal."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from euryale.kit.clock import Clock
from euryale.kit.telemetry import Telemetry
from euryale.workflows.definition.expression import INPUT, Expression
from euryale.workflows.definition.fanout import item_id
from euryale.workflows.definition.graph import Frontier, Unwinding, Vertex
from euryale.workflows.definition.nodes import ChildNode, EachNode, HookNode, SignalNode, StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.ports import Codec, Resolver
from euryale.workflows.record.entry import (
    Commit,
    Entry,
    ExecutionRow,
    Journal,
    Message,
    Release,
    StagedEvent,
    StatusChange,
)
from euryale.workflows.record.execution import ExecutionRecord, StepRecord
from euryale.workflows.record.states import EntryKind, Reason, Status, StepState, next_status
from euryale.workflows.runtime.failure import Failure, describe_failure
from euryale.workflows.runtime.feed import STARTED, ExecutionEvent, Feed
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.threads import StepThreads
from euryale.workflows.runtime.writer import Writer

EventFate = Literal["keep", "release", "drop"]


@dataclass(frozen=True)
class Tools:
    """What every execution of a process shares."""

    codec: Codec
    writer: Writer
    feed: Feed
    clock: Clock
    telemetry: Telemetry
    resolver: Resolver
    random: Callable[[], float]
    threads: StepThreads
    patience: Patience
    rest_after: float
    draining: asyncio.Event

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.clock.now().timestamp()


@dataclass(frozen=True, slots=True)
class Turn:
    """Why an execution turned from going forward to undoing."""

    reason: Reason
    failure: Failure


class Run:
    """An execution that this process drives.

    Attributes:
        row: Its row, as last written.
        plan: The plan it began with.
        record: What its journal amounts to.
        frontier: What has been reached of the plan.
        outputs: The values of its input and of the nodes that are done.
        undos: What the compensations of its steps receive, where that is not the output.
        attempting: The nodes at which an attempt is under way.
        deadline: When it times out, in seconds since the epoch, or None.
        seen: How many messages it has taken in.
    """

    def __init__(self, journal: Journal, plan: Plan, tools: Tools) -> None:
        self.row = journal.row
        self.plan = plan
        self.tools = tools
        self.record = ExecutionRecord(journal.entries)
        self.frontier = Frontier(plan.graph)
        self.outputs: dict[str, Any] = {}
        self.undos: dict[str, Any] = {}
        self.attempting: set[str] = set()
        began = self.row.created_at if self.row.started_at is None else self.row.started_at
        self.deadline = None if plan.timeout is None else began + plan.timeout
        self.seen = journal.row.messages
        self._numbers = {message.number for message in journal.messages if message.number <= self.seen}
        self._pending: list[Entry] = []
        self._staged: list[StagedEvent] = []

    def load(self) -> None:
        """Decode the input and the outputs that the journal holds.

        Raises:
            PayloadError: If one of them does not fit its annotation any more.
        """
        codec = self.tools.codec
        self.outputs[INPUT] = codec.decode(self.row.input, self.plan.input_type, f"the input of {self.row.id}")
        for node, step in self.record.steps.items():
            if isinstance(self.plan.nodes.get(node), (EachNode, HookNode)):
                continue
            if step.output is not None:
                self.outputs[node] = codec.decode(step.output, self._output_type(node), f"the output of {node}")
            if step.undo is not None:
                self.undos[node] = codec.decode(step.undo, self._undo_type(node), f"what undoes {node}")

        for node_id, known in self.plan.nodes.items():
            parts = self.record.step(node_id).output
            if parts is not None and isinstance(known, EachNode):
                count = codec.decode(parts, int, f"the number of items of {node_id}")
                self.outputs[node_id] = [self.outputs.get(item_id(known, index)) for index in range(count)]
            elif parts is not None and isinstance(known, HookNode):
                names = codec.decode(parts, list[str], f"the handlers of {node_id}")
                self.outputs[node_id] = {name: self.outputs.get(f"{node_id}[{name}]") for name in names}

    def _output_type(self, node: str) -> Any:
        match node_of(self.plan, node):
            case SignalNode() as node_of_signal:
                return node_of_signal.output_type
            case StepNode(step=step):
                return step.signature.output_type
            case ChildNode(workflow=workflow):
                return workflow.plan.output_type
            case _:
                return Any

    def _undo_type(self, node: str) -> Any:
        match node_of(self.plan, node):
            case StepNode(step=step):
                return step.signature.undo_type
            case _:
                return Any

    def evaluate(self, expression: Expression) -> Any:
        """Return the expression's value now."""
        return expression.evaluate(self.outputs)

    def open_vertices(self) -> list[Vertex]:
        """Return what is not done yet of what may be: where to go on."""
        return self.frontier.replay(self.side)

    def side(self, vertex: Vertex) -> int | None:
        """Return the side taken at a vertex that has its outcome, None if it has none."""
        known = self.record.steps.get(vertex.id)
        if known is None:
            return None
        state = known.forward
        if state.is_failure and vertex.goes_on_after_failure:
            return len(vertex.next) - 1
        if state is not StepState.SUCCEEDED:
            return None
        return 0 if vertex.kind != "choice" or self.outputs[vertex.id] else 1

    def failure(self) -> Failure | None:
        """Return why it turned, or None."""
        return None if self.row.error is None else self.tools.codec.decode(self.row.error, Failure, "an error")

    def unwinding(self) -> Unwinding:
        """Return the order in which what was reached is undone."""
        return Unwinding(self.plan.graph, self.frontier.reached, self.frontier.chosen)

    def see(self, message: Message) -> None:
        """Take in that a message was seen."""
        if message.number not in self._numbers:
            self._numbers.add(message.number)
            self.seen += 1

    def node(self, node: str) -> StepRecord:
        """Return what is known of a node."""
        return self.record.step(node)

    def note(  # noqa: PLR0913 -- what an entry is made of
        self,
        kind: EntryKind,
        step: str = "",
        *,
        attempt: int = 0,
        started: float | None = None,
        due: float | None = None,
        payload: bytes | None = None,
        undo: bytes | None = None,
        message: int = 0,
    ) -> None:
        """Take an entry into the record; it is written with the next ``flush``."""
        entry = Entry(self.record.seq + 1, kind, self.tools.now(), step, attempt, started, due, payload, undo, message)
        self.record.apply(entry)
        self._pending.append(entry)

    def note_failure(self, kind: EntryKind, step: str, error: BaseException, **details: Any) -> Failure:
        """Take in that something failed; return what is kept of the error."""
        failure = describe_failure(error, self.tools.codec, step)
        self.note(kind, step, payload=self.encode_failure(failure), **details)
        return failure

    def encode_failure(self, failure: Failure) -> bytes:
        """Return the failure as the journal keeps it."""
        return self.tools.codec.encode(failure, "an error")

    def stage(self, node: str, event: str, data: Any) -> None:
        """Stage an event; it is written with the next ``flush``."""
        payload = self.tools.codec.encode(data, f"the data of event {event}")
        event_id = f"evt_{hashlib.sha256(f'{self.row.id}/{node}'.encode()).hexdigest()[:24]}"
        self._staged.append(StagedEvent(event_id, self.row.root_id, self.row.id, event, payload, self.tools.now()))
        self.note(EntryKind.EMITTED, node)

    @property
    def has_news(self) -> bool:
        """Whether something was noted that is not handed to the writer yet."""
        return bool(self._pending)

    def finish(self, status: Status) -> None:
        """Take in that this is the end; it is written with the next ``flush``."""
        self.note(EntryKind.FINISHED, payload=self.tools.codec.encode(status.value, "a status"))

    async def flush(
        self, change: StatusChange | None = None, *, events: EventFate = "keep", release: Release | None = None
    ) -> None:
        """Write all that was noted, as one commit, and return when it is durable.

        It is written even if the caller is cancelled meanwhile.

        Raises:
            StoreError: If it was not written.
        """
        await self.commit(change, events=events, release=release)

    def commit(
        self,
        change: StatusChange | None = None,
        *,
        create: tuple[ExecutionRow, ...] = (),
        events: EventFate = "keep",
        release: Release | None = None,
    ) -> asyncio.Future[None]:
        """Hand all that was noted to the writer, as one commit; the future is done when it is durable."""
        entries, self._pending = tuple(self._pending), []
        staged, self._staged = tuple(self._staged), []
        if change is not None:
            self._take(change)
        wake = self.row.parent_id if change is not None and change.status.ended else ""
        commit = Commit(self.row.id, self.row.epoch, entries, change, create, staged, events, release, wake)
        return self.tools.writer.submit(commit, self._publish)

    def _take(self, change: StatusChange) -> None:
        self.row = replace(
            self.row,
            status=next_status(self.row.status, change.status),
            reason=change.reason,
            output=change.output,
            error=change.error,
            finished_at=change.finished_at,
            partial=change.partial,
        )

    def begin(self, step: str, attempt: int, *, name: str = STARTED) -> float:
        """Tell watchers that an attempt begins; return the time."""
        now = self.tools.now()
        if self.tools.feed.watched(self.row.id):
            self.tools.feed.publish(ExecutionEvent(self.row.id, name, now, step=step, attempt=attempt))
        if self.tools.telemetry.is_heard:
            self._report(name, step=step, attempt=attempt)
        return now

    def _publish(self, commit: Commit) -> None:
        """Tell watchers: whoever looks into the journal from now on finds these entries there."""
        watched, heard = self.tools.feed.watched(self.row.id), self.tools.telemetry.is_heard
        if not (watched or heard):
            return
        for entry in commit.entries:
            if watched:
                self.tools.feed.publish(entry_event(entry, self.row.id, self.tools.codec))
            self._report(entry.kind, step=entry.step, attempt=entry.attempt)

    def _report(self, name: str, **payload: object) -> None:
        self.tools.telemetry.report(f"workflow.{name}", execution=self.row.id, workflow=self.row.workflow, **payload)


_FAILED_KINDS: Final = frozenset(
    {
        EntryKind.STEP_RETRYING,
        EntryKind.STEP_FAILED,
        EntryKind.STEP_TIMED_OUT,
        EntryKind.UNDO_RETRYING,
        EntryKind.UNDO_FAILED,
        EntryKind.TURNED,
    }
)


def entry_event(entry: Entry, execution_id: str, codec: Codec) -> ExecutionEvent:
    """Return a journal entry as watchers see it."""
    error, status = "", None
    if entry.payload is not None and entry.kind in _FAILED_KINDS:
        failure: Failure = codec.decode(entry.payload, Failure, "an error")
        error = f"{failure.message} {failure.hint}".strip()
    if entry.payload is not None and entry.kind is EntryKind.FINISHED:
        status = Status(codec.decode(entry.payload, str, "a status"))
    return ExecutionEvent(
        execution=execution_id,
        name=entry.kind.value,
        at=entry.at,
        seq=entry.seq,
        step=entry.step,
        attempt=entry.attempt,
        started=entry.started,
        due=entry.due,
        error=error,
        status=status,
    )
