"""What is asked of stores, and what they answer."""

from dataclasses import dataclass, replace
from types import NoneType
from typing import Literal

import msgspec

from euryale.workflows.definition.checks import check_count, check_type, refusal
from euryale.workflows.definition.queue import Policy
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Message
from euryale.workflows.record.queueing import Terms
from euryale.workflows.record.schedule import Decision, Firing, ScheduleRow, refuse
from euryale.workflows.record.states import Slot, Status


@dataclass(frozen=True, slots=True)
class ExecutionQuery:
    """Which executions to list.

    Attributes:
        workflow: Only of this workflow.
        statuses: Only in one of these; empty: in any.
        parent_id: Only children of this execution; empty: only those that are no children; None: all.
        prefix: Only ids that begin with this.
        queue: Only of this queue.
        limit: How many at the most.
        before: Only those listed after this one: ``ExecutionView.cursor`` of the last one of the page before.

    Raises:
        DefinitionError: If one of these cannot be right.
    """

    workflow: str | None = None
    statuses: frozenset[Status] = frozenset()
    parent_id: str | None = None
    prefix: str = ""
    limit: int = 50
    before: tuple[float, str] | None = None
    queue: str | None = None

    def __post_init__(self) -> None:
        check_count(self.limit, "ExecutionQuery: limit", least=0)
        for name in ("workflow", "parent_id", "queue"):
            check_type(getattr(self, name), (str, NoneType), f"ExecutionQuery: {name}", "a text, nor None")
        check_type(self.prefix, str, "ExecutionQuery: prefix", "a text")
        if not isinstance(self.statuses, frozenset) or not all(isinstance(each, Status) for each in self.statuses):
            hint = "Write statuses=frozenset({Status.SUCCEEDED})."
            raise refusal("ExecutionQuery: statuses", self.statuses, "a frozenset of Status", hint)
        if self.before is not None and not _is_cursor(self.before):
            hint = "Pass the cursor of the last execution of the page before: before=page[-1].cursor."
            raise refusal("ExecutionQuery: before", self.before, "a cursor", hint)


def _is_cursor(given: object) -> bool:
    match given:
        case (int() | float(), str()):
            return True
        case _:
            return False


class Claim(msgspec.Struct, frozen=True):
    """What a worker asks for.

    Attributes:
        owner: The worker.
        now: Its time, in seconds since the epoch.
        limit: How many executions it takes at the most.
        plans: The hashes of the plans that it knows: it takes no others.
        apart: Queues of which it takes what has a slot by :meth:`JournalStore.claim_queued` alone, as it drives only so
            many of each.
    """

    owner: str
    now: float
    limit: int
    plans: frozenset[str]
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a worker got.

    Attributes:
        rows: The executions that it owns now; each one's epoch went up by one.
        next_due: When the next one that it could take is due, in seconds since the epoch; None: not by the clock.
    """

    rows: tuple[ExecutionRow, ...]
    next_due: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message.

    Attributes:
        number: Its number among the execution's messages; 0 if it was not kept, because there is one of that kind,
            step and key, or because the execution does not go that way any more.
        status: Where the execution stood.
        owner: Who owned it, or an empty string.
    """

    number: int
    status: Status
    owner: str


@dataclass(frozen=True, slots=True)
class Entrance:
    """An execution that enters a queue, where others decide whether it may, or are told.

    Attributes:
        commit: What creates it, in its queue, waiting.
        policy: What happens if others have its key; see :class:`~euryale.workflows.definition.queue.Queue`.
        key_concurrency: As many as this may have the key before another is rejected.
        cancellation: What those are told that are cancelled, encoded.
    """

    commit: Commit
    policy: Policy
    key_concurrency: int
    cancellation: bytes

    @classmethod
    def on(cls, terms: Terms, row: ExecutionRow, entries: tuple[Entry, ...] = ()) -> "Entrance":
        """Return the entrance of an execution, whose journal begins with those entries, on such terms."""
        commit = Commit(row.id, row.epoch, entries, create=(row,))
        return cls(commit, terms.policy, terms.key_concurrency, terms.cancellation)

    @property
    def row(self) -> ExecutionRow:
        """The execution."""
        return self.commit.create[0]

    def cancellation_of(self, other_id: str, slot: Slot) -> Message | None:
        """Return what another execution with its key is told, by where that stands in the queue; None for nothing."""
        if self.policy == "cancel" or (self.policy == "replace" and slot is Slot.WAITING):
            return self.told(other_id)
        return None

    def told(self, other_id: str) -> Message:
        """Return the message that another execution is cancelled by."""
        return Message(other_id, "cancel", "", self.cancellation, self.row.created_at)


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of an execution that was to enter a queue.

    Attributes:
        verdict: ``created``: it waits there. ``known``: there is one of its id. ``duplicate``: one with its dedup key
            has not ended. ``rejected``: others have its key. Only if it was created was anything written.
        execution_id: The execution that the verdict is about; of those that have the key, the oldest.
        told: The executions that were told to end, and what became of the messages.
    """

    verdict: Literal["created", "known", "duplicate", "rejected"]
    execution_id: str
    told: tuple[tuple[Message, Told], ...] = ()


def settled(decision: Decision, row: ScheduleRow, firing: Firing, entered: Entered) -> Decision:
    """Return what a store does about a firing after its execution has entered its queue, or has not.

    Args:
        decision: What was decided before.
        row: The schedule as it is.
        firing: What a worker wants.
        entered: What became of the execution.
    """
    if entered.verdict in {"rejected", "duplicate"}:
        why: Literal["rejected", "duplicate"] = "rejected" if entered.verdict == "rejected" else "duplicate"
        return Decision(refuse(row, firing, why, entered.execution_id))
    told = tuple(message.execution_id for message, _ in entered.told)
    return Decision(replace(decision.fired, told=told), creates=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """An execution that stands in the way of a new one.

    Attributes:
        verdict: ``known``: it has its id. ``duplicate``: it has its dedup key in its queue, and has not ended.
            ``rejected``: it is the oldest of those that have its key in a queue that rejects.
        execution_id: Its id.
        workflow: Its workflow.
        input: Its input.
    """

    verdict: Literal["known", "duplicate", "rejected"]
    execution_id: str
    workflow: str
    input: bytes
