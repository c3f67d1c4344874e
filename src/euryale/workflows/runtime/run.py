"""One execution in memory: its record, its values, and its way to the journal."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from euryale.kit.clock import Clock
from euryale.kit.errors import with_hint
from euryale.kit.telemetry import Telemetry
from euryale.workflows.definition.expression import INPUT, Expression
from euryale.workflows.definition.graph import Frontier, Unwinding, Vertex
from euryale.workflows.definition.nodes import EachNode, HookNode
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
from euryale.workflows.runtime.feed import ENDED, STARTED, ExecutionEvent, Feed
from euryale.workflows.runtime.invocation import Raised, Returned
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.threads import StepThreads
from euryale.workflows.runtime.values import gather, output_type, undo_type
from euryale.workflows.runtime.writer import Writer

EventFate = Literal["keep", "release", "drop"]


@dataclass(frozen=True)
class Tools:
    """What every execution of a process shares."""

    codec: Codec
    writer: Writer
    clock: Clock
    telemetry: Telemetry
    resolver: Resolver
    random: Callable[[], float]
    patience: Patience
    rest_after: float
    feed: Feed = field(default_factory=Feed)
    threads: StepThreads = field(default_factory=StepThreads)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    keeping: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.clock.timestamp()


@dataclass(frozen=True, slots=True)
class Turn:
    """Why an execution turned from going forward to undoing."""

    reason: Reason
    failure: Failure


class Draft(msgspec.Struct, frozen=True):
    """How an execution stands before its end is noted; see :meth:`Run.draft`."""

    row: ExecutionRow
    seq: int
    last_worker: str
    pending: tuple[Entry, ...]
    staged: tuple[StagedEvent, ...]


class Run:
    """An execution that this process drives.

    Attributes:
        row: Its row, as last written.
        plan: The plan it began with.
        record: What its journal amounts to.
        frontier: What has been reached of the plan.
        outputs: The values of its input and of the nodes that are done.
        undos: What the compensations of its steps receive, where that is not the output.
        attempting: The nodes at which an attempt is under way, with the time at which it began.
        deadline: When it times out, in seconds since the epoch, or None.
        seen: How many messages it has taken in.
        ended_children: Nodes whose workflows have ended since it is driven here.
    """

    def __init__(self, journal: Journal, plan: Plan, tools: Tools) -> None:
        self.row = journal.row
        self.plan = plan
        self.tools = tools
        self.record = ExecutionRecord(journal.entries)
        self.frontier = Frontier(plan.graph)
        self.outputs: dict[str, Any] = {}
        self.undos: dict[str, Any] = {}
        self.attempting: dict[str, float] = {}
        began = self.row.created_at if self.row.started_at is None else self.row.started_at
        self.deadline = None if plan.timeout is None else began + plan.timeout
        self.seen = journal.row.messages
        self.ended_children: set[str] = set()
        self._numbers = {message.number for message in journal.messages if message.number <= self.seen}
        self._timestamp = tools.clock.timestamp
        self._pending: list[Entry] = []
        self._last_worker = journal.last_worker
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
                self.outputs[node] = codec.decode(step.output, output_type(self.plan, node), f"the output of {node}")
            if step.undo is not None:
                self.undos[node] = codec.decode(step.undo, undo_type(self.plan, node), f"what undoes {node}")
        if self.record.steps:
            self.outputs |= gather(self.plan, self.record, codec, self.outputs)

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

    def child_ended(self, node: str) -> None:
        """Take in that a workflow that a node called has ended: the store told it so, as it tells a message."""
        self.ended_children.add(node)
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
        record, worker = self.record, ""
        if self.row.owner != self._last_worker:
            worker = self._last_worker = self.row.owner
        entry = Entry(
            record.seq + 1, kind, self._timestamp(), step, attempt, started, due, payload, undo, message, worker
        )
        record.apply(entry)
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

    def flush(
        self, change: StatusChange | None = None, *, events: EventFate = "keep", lone: bool = False
    ) -> Awaitable[None]:
        """Write all that was noted, as one commit, and return when it is durable.

        It is written even if the caller is cancelled meanwhile.

        Args:
            change: Its new status, if it has one.
            events: What becomes of staged events.
            lone: Whether there is no other strand of this execution, whose commit could go together with this one.

        Raises:
            StoreError: If it was not written.
        """
        return self.tools.writer.write(self._commit(change, events=events), self._publish, lone=lone)

    def commit(
        self,
        change: StatusChange | None = None,
        *,
        create: tuple[ExecutionRow, ...] = (),
        events: EventFate = "keep",
        release: Release | None = None,
    ) -> asyncio.Future[None]:
        """Hand all that was noted to the writer, as one commit; the future is done when it is durable."""
        commit = self._commit(change, create=create, events=events, release=release)
        return self.tools.writer.submit(commit, self._publish)

    def _commit(
        self,
        change: StatusChange | None,
        *,
        create: tuple[ExecutionRow, ...] = (),
        events: EventFate = "keep",
        release: Release | None = None,
    ) -> Commit:
        entries, self._pending = tuple(self._pending), []
        staged, self._staged = tuple(self._staged), []
        if change is not None:
            self._take(change)
        wake = self.row.parent_id if change is not None and change.status.ended else ""
        heard = self.seen if change is not None and change.status is Status.SUCCEEDED else None
        return Commit(self.row.id, self.row.epoch, entries, change, create, staged, events, release, wake, heard)

    def draft(self) -> "Draft":
        """Return what is not handed to the writer yet, and how things stand, to be taken back if that is refused."""
        return Draft(self.row, self.record.seq, self._last_worker, tuple(self._pending), tuple(self._staged))

    def take_back(self, draft: "Draft") -> None:
        """Take back the end that was noted since, as it was not written."""
        self.row, self.record.seq, self._last_worker = draft.row, draft.seq, draft.last_worker
        self._pending, self._staged = list(draft.pending), list(draft.staged)

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

    def begin(self, step: str, attempt: int, *, name: str = STARTED, of: str = "") -> float:
        """Tell watchers that an attempt begins; return the time.

        Args:
            step: The node.
            attempt: Which attempt.
            name: What begins: ``STARTED`` or ``UNDO_STARTED``.
            of: The name of the step whose function is about to be called; :meth:`end` is due then. Empty for a child.
        """
        now, tools = self._timestamp(), self.tools
        if of:
            self.attempting[step] = now
        if tools.feed.watched(self.row.id):
            tools.feed.publish(ExecutionEvent(self.row.id, name, now, step=step, attempt=attempt))
        if tools.telemetry.is_heard:
            self._report(name, step=step, attempt=attempt, name=of)
        return now

    def end(self, step: str, attempt: int, outcome: Returned | Raised | None, *, name: str = ENDED, of: str) -> None:
        """Tell telemetry that an attempt has ended, in the task that made it; None: it was interrupted."""
        started = self.attempting.pop(step, None)
        if started is None or not self.tools.telemetry.is_heard:
            return
        told, failure = "succeeded", None
        if outcome is None:
            told = "interrupted"
        elif isinstance(outcome, Raised):
            told = "timed_out" if outcome.timed_out else "failed"
            failure = describe_failure(outcome.error, self.tools.codec, step)
        seconds = max(0.0, self.tools.now() - started)
        self._report(name, step=step, attempt=attempt, name=of, seconds=seconds, outcome=told, failure=failure)

    def _publish(self, commit: Commit) -> None:
        """Tell watchers: whoever looks into the journal from now on finds these entries there."""
        watched, heard = self.tools.feed.watched(self.row.id), self.tools.telemetry.is_heard
        if not (watched or heard):
            return
        for entry in commit.entries:
            if watched:
                self.tools.feed.publish(entry_event(entry, self.row.id, self.tools.codec))
            self._report(entry.kind, step=entry.step, attempt=entry.attempt, at=entry.at, **self._ending(entry))

    def _ending(self, entry: Entry) -> dict[str, object]:
        if entry.kind is not EntryKind.FINISHED or not self.tools.telemetry.is_heard:
            return {}
        row = self.row
        return {
            "status": row.status.value,
            "reason": row.reason.value,
            "seconds": max(0.0, entry.at - row.created_at),
            "failure": self.failure(),
        }

    def _report(self, event: str, /, **payload: object) -> None:
        self.tools.telemetry.report(f"workflow.{event}", execution=self.row.id, workflow=self.row.workflow, **payload)


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
        error = with_hint(failure.message, failure.hint)
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
