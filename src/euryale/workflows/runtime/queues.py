"""The queues that a process knows, and how an execution waits in one."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from euryale.workflows.definition.queue import Queue, check_key
from euryale.workflows.errors import DefinitionError, QueueRejectedError, TransactionError, WorkflowError
from euryale.workflows.ports import Codec
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.queueing import QueueLimits, Terms
from euryale.workflows.record.states import Slot, Status
from euryale.workflows.runtime.failure import Failure


class Queues:
    """Queues by name."""

    def __init__(self, queues: Iterable[Queue] = ()) -> None:
        self._by_name: dict[str, Queue] = {}
        self.limits: tuple[QueueLimits, ...] = ()
        self.apart: frozenset[str] = frozenset()
        for each in queues:
            self.add(each)

    def add(self, queue: Queue) -> None:
        """Make a queue known.

        Raises:
            DefinitionError: If one of that name has other settings.
        """
        known = self._by_name.setdefault(queue.name, queue)
        if known != queue:
            raise DefinitionError(
                f"Two queues with different settings are called {queue.name!r}.",
                hint="Declare it once and import it from there, or give one of them another name.",
            )
        self.limits = tuple(map(_limits, self._by_name.values()))
        self.apart = frozenset(each.name for each in self._by_name.values() if each.worker_concurrency is not None)

    def place(self, row: ExecutionRow, queue: Queue | None, value: Any, deduplicate: str = "") -> ExecutionRow:
        """Return the row of a new execution as it waits in a queue, which is known from then on, or in none.

        Raises:
            DefinitionError: If another queue has the same name, or there is no queue to deduplicate in.
            PayloadError: If a key cannot be one.
        """
        if queue is not None:
            self.add(queue)
            return queued(row, queue, value, deduplicate)
        if deduplicate:
            raise DefinitionError(
                f"{row.workflow!r} is started in no queue: nothing is deduplicated there.",
                hint="Give start(queue=...), or the workflow a queue; or use an id.",
            )
        return row

    def find(self, name: str) -> Queue | None:
        """Return the queue of that name, or None."""
        return self._by_name.get(name)

    def names(self) -> tuple[str, ...]:
        """Return the names of all, in order."""
        return tuple(sorted(self._by_name))

    def lacks(self, row: ExecutionRow) -> str:
        """Return why an execution that waits in a queue is never claimed here, or an empty string."""
        if row.slot is Slot.WAITING and row.queue not in self._by_name:
            return f"no queue {row.queue!r} is registered"
        return ""


def _limits(queue: Queue) -> QueueLimits:
    rate = queue.rate
    return QueueLimits(
        queue.name,
        queue.concurrency,
        queue.worker_concurrency,
        None if queue.key is None else queue.key_concurrency,
        None if rate is None else rate.limit,
        0.0 if rate is None else rate.seconds,
    )


def queued(row: ExecutionRow, queue: Queue, value: Any, deduplicate: str = "") -> ExecutionRow:
    """Return the row of a new execution as it waits in a queue.

    Args:
        row: The row as it would be without.
        queue: The queue.
        value: Its input.
        deduplicate: Its dedup key, or an empty string.

    Raises:
        PayloadError: If a key cannot be one.
    """
    retention = row.retention
    if retention is not None and queue.rate is not None:  # what is counted by the rate must still be there
        retention = max(retention, queue.rate.seconds)
    return replace(
        row,
        status=Status.PENDING,
        owner="",
        started_at=None,
        available_at=row.created_at if row.available_at is None else row.available_at,
        retention=retention,
        queue=queue.name,
        slot=Slot.WAITING,
        queue_key=queue.key_of(value),
        dedup_key=check_key(deduplicate, "deduplicate") if deduplicate else "",
    )


def check_has_begun(row: ExecutionRow) -> None:
    """Refuse to drive an execution that waits for its turn.

    Raises:
        WorkflowError: If it does.
    """
    if row.slot is Slot.WAITING:
        raise WorkflowError(
            f"{row.id} waits for its turn in queue {row.queue!r}.", hint="It begins when it has a slot."
        )


def terms_of(row: ExecutionRow, queue: Queue | None, codec: Codec) -> Terms | None:
    """Return on which terms an execution enters its queue; None if nobody else decides there."""
    if queue is None or not decides_on_others(row, queue):
        return None
    message = f"It was replaced by {row.id}, which has the same key {row.queue_key!r} in queue {row.queue!r}."
    cancellation = codec.encode(Failure("workflows.execution_cancelled", message), "an error")
    return Terms(queue.policy, queue.key_concurrency, cancellation)


def rejection(row: ExecutionRow, other_id: str) -> QueueRejectedError:
    """Return the error that tells why an execution was not started: another one has its key in a queue that rejects."""
    return QueueRejectedError(
        f"{row.id} was not started: execution {other_id} has the key {row.queue_key!r} in queue "
        f"{row.queue!r}, which rejects others until it has ended.",
        execution=other_id,
        hint="Wait for its end, or cancel it.",
    )


def limit_in(row: ExecutionRow, queue: Queue | None) -> int | None:
    """Return as many as how many may have an execution's key before it is rejected; None: any number.

    Raises:
        TransactionError: If others would have to be cancelled in the transaction of a caller: it would lock them, and
            with them the workers that drive them, until it has ended.
    """
    if queue is None or not row.queue_key or queue.policy == "queue":
        return None
    if queue.policy != "reject":
        raise TransactionError(
            f"Queue {row.queue!r} cancels those that have the same key (policy {queue.policy!r}). Inside of your "
            "transaction that would hold up their workers until it is committed, so nothing was started.",
            hint="Start it after the commit, or in a queue whose policy is 'queue' or 'reject'.",
        )
    return queue.key_concurrency


def decides_on_others(row: ExecutionRow, queue: Queue) -> bool:
    """Return whether an execution is let in, or others are told to end, by who else is in the queue."""
    return bool(row.dedup_key) or (bool(row.queue_key) and queue.policy != "queue")
