"""Starting: how executions begin, as users of an engine say it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import timedelta
from types import NoneType
from typing import Any, Final, Literal, TypeVar, overload

from msgspec.structs import replace

from euryale.kit.ids import new_id
from euryale.workflows.definition.checks import check_type, is_whole, refusal, seconds
from euryale.workflows.definition.graph import following
from euryale.workflows.definition.nodes import CHILD_SEPARATOR
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.queue import Queue
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import UNSET, IdempotencyError, PayloadError, TransactionError, WorkflowError
from euryale.workflows.handle import Handle
from euryale.workflows.ports import Store, TransactionStore
from euryale.workflows.record.entry import Entry, ExecutionRow
from euryale.workflows.record.forking import adopted_entries
from euryale.workflows.record.origin import Origin, origin_entry, origin_of
from euryale.workflows.runtime.creation import new_row
from euryale.workflows.runtime.queues import limit_in, rejection
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.reporter import traced
from euryale.workflows.runtime.run import Tools
from euryale.workflows.runtime.scheduler import Scheduler, ScheduleView
from euryale.workflows.runtime.worker import Worker

I = TypeVar("I")  # noqa: E741 -- the input's type
O = TypeVar("O")  # noqa: E741 -- the output's type

_LONGEST_ID = 200
_QUEUE: Final = 'Pass what Queue("deploys") made, None for no queue, or nothing for the workflow\'s own.'


class Starting(ABC):
    """A part of the engine: new executions, by hand, by the clock, and out of former ones."""

    _store: Store
    _registry: Registry
    _tools: Tools
    _worker: Worker
    _scheduler: Scheduler

    @abstractmethod
    def _check_open(self) -> None:
        """Raise ``EngineClosedError`` unless it is open."""

    @abstractmethod
    def _handle(self, execution_id: str, output_type: Any) -> Handle[Any]:
        """Return a handle whose result is read as that type."""

    @overload
    async def run(
        self,
        workflow: Workflow[None, O],
        value: None = None,
        *,
        id: str | None = None,
        queue: Queue | Literal["default"] | None = "default",
    ) -> O: ...

    @overload
    async def run(
        self,
        workflow: Workflow[I, O],
        value: I,
        *,
        id: str | None = None,
        queue: Queue | Literal["default"] | None = "default",
    ) -> O: ...

    async def run(
        self,
        workflow: Workflow[Any, O],
        value: Any = UNSET,
        *,
        id: str | None = None,  # noqa: A002 -- its name
        queue: Queue | Literal["default"] | None = "default",
    ) -> O:
        """Run a workflow and return its result.

        Args:
            workflow: What to run; becomes known if it was not.
            value: Its input; left out of a workflow that takes none.
            id: An idempotency key: a second run with the same id joins the first and returns its result. Printable, 1
                to 200 characters, without ``::``. Default: a new one.
            queue: Where it waits for its turn; see :meth:`start`.

        Raises:
            IdempotencyError: If the id belongs to an execution of another workflow, or with another input.
            InputError: If its input is left out, or it takes none.
            PayloadError: If the input cannot be written.
            QueueRejectedError: As :meth:`start` does.
            ExecutionError: As :meth:`Handle.result` does.
        """
        return await (await self.start(workflow, value, id=id, queue=queue)).result()

    @overload
    async def start(
        self,
        workflow: Workflow[None, O],
        value: None = None,
        *,
        id: str | None = None,
        delay: float | timedelta = 0.0,
        priority: int = 0,
        queue: Queue | Literal["default"] | None = "default",
        deduplicate: str = "",
    ) -> Handle[O]: ...

    @overload
    async def start(
        self,
        workflow: Workflow[I, O],
        value: I,
        *,
        id: str | None = None,
        delay: float | timedelta = 0.0,
        priority: int = 0,
        queue: Queue | Literal["default"] | None = "default",
        deduplicate: str = "",
    ) -> Handle[O]: ...

    async def start(
        self,
        workflow: Workflow[Any, O],
        value: Any = UNSET,
        *,
        id: str | None = None,  # noqa: A002 -- its name
        delay: float | timedelta = 0.0,
        priority: int = 0,
        queue: Queue | Literal["default"] | None = "default",
        deduplicate: str = "",
    ) -> Handle[O]:
        """Start a workflow; return when that is durable.

        Args:
            workflow: What to run; becomes known if it was not.
            value: Its input; left out of a workflow that takes none.
            id: An idempotency key; see :meth:`run`.
            delay: Seconds, or a timedelta, before it begins; its timeout counts from then.
            priority: Of those that wait for their turn, the ones with the highest priority begin first.
            queue: Where it waits for its turn; becomes known if it was not. Default: the workflow's queue; None:
                nowhere.
            deduplicate: While an execution with this key has not ended in the queue, this joins it.

        Raises:
            IdempotencyError: If the id, or the key of an execution that has not ended, belongs to one of another
                workflow, or with another input.
            InputError: If its input is left out, or it takes none.
            PayloadError: If the input cannot be written, or a key cannot be one.
            QueueRejectedError: If others have its key, and the queue rejects.
            DefinitionError: If another queue has the same name, there is no queue to deduplicate in, or something that
                it is given is of a type that cannot be right.
        """
        self._check_open()
        self._registry.add(workflow)
        value = workflow.input_of(value)
        row = self._new_row(workflow.plan, value, id, delay=seconds(delay, "delay"), priority=priority)
        wanted = workflow.queue if queue == "default" else queue
        check_type(wanted, (Queue, NoneType), "start: queue", "a queue", _QUEUE)
        entered = await self._enter(self._registry.queues.place(row, wanted, value, deduplicate))
        return self._handle(entered, workflow.plan.output_type)

    @overload
    async def start_in(
        self,
        session: object,
        workflow: Workflow[None, O],
        value: None = None,
        *,
        id: str | None = None,
        delay: float | timedelta = 0.0,
        priority: int = 0,
        deduplicate: str = "",
    ) -> Handle[O]: ...

    @overload
    async def start_in(
        self,
        session: object,
        workflow: Workflow[I, O],
        value: I,
        *,
        id: str | None = None,
        delay: float | timedelta = 0.0,
        priority: int = 0,
        deduplicate: str = "",
    ) -> Handle[O]: ...

    async def start_in(
        self,
        session: object,
        workflow: Workflow[Any, O],
        value: Any = UNSET,
        *,
        id: str | None = None,  # noqa: A002 -- its name
        delay: float | timedelta = 0.0,
        priority: int = 0,
        deduplicate: str = "",
    ) -> Handle[O]:
        """Start a workflow inside a transaction of the caller: the execution exists if, and only if, that is committed.

        A worker begins it right after the commit. Until then nobody else sees it, and ``result()`` finds nothing. Of a
        workflow with a queue it waits there for its turn. Where others decide whether it may (a queue that rejects, a
        dedup key), those that ask for the same key wait for the end of the transaction: keep it short.

        Args:
            session: SQLAlchemy's ``AsyncSession`` or ``AsyncConnection`` (or ``Session`` or ``Connection``), or
                asyncpg's ``Connection``, on the database of the :class:`PostgresStore`; commit it yourself.
            workflow: What to run; becomes known if it was not.
            value: Its input; left out of a workflow that takes none.
            id: An idempotency key; see :meth:`run`.
            delay: Seconds, or a timedelta, before it begins; see :meth:`start`.
            priority: See :meth:`start`.
            deduplicate: See :meth:`start`.

        Raises:
            TransactionError: If the store is no ``PostgresStore``, or that is no transaction in its database. If others
                would be cancelled, as they have its key in the queue: they would be held up until the commit. If others
                decide, and the transaction's isolation level is not READ COMMITTED.
            IdempotencyError: As :meth:`start` does.
            QueueRejectedError: As :meth:`start` does.
            DefinitionError: As :meth:`start` does.
            InputError: If its input is left out, or it takes none.
            PayloadError: If the input cannot be written.
            Exception: What the session raises, as it is.
        """
        self._check_open()
        store = _transactional(self._store)
        self._registry.add(workflow)
        value = workflow.input_of(value)
        wait = seconds(delay, "delay")
        row = self._new_row(workflow.plan, value, id, delay=wait, priority=priority, owned=False)
        row = self._registry.queues.place(row, workflow.queue, value, deduplicate)
        standing = await store.create_in(session, row, limit_in(row, workflow.queue))
        if standing is not None and standing.verdict == "rejected":
            raise rejection(row, standing.execution_id)
        if standing is not None:
            self._check_same(row, standing.execution_id, standing.workflow, standing.input, deduplicate)
        return self._handle(standing.execution_id if standing else row.id, workflow.plan.output_type)

    async def trigger(self, schedule: str) -> Handle[Any]:
        """Fire a schedule now, out of turn; its ticks stay as they are.

        Args:
            schedule: Its name.

        Raises:
            UnknownScheduleError: If there is none of that name here.
            OverlapError: If it forbids overlaps, and its former execution has not ended.
            QueueRejectedError: If others have its key in the workflow's queue, and that rejects.
        """
        self._check_open()
        fired, execution_id = await self._scheduler.trigger(schedule)
        return self._handle(execution_id, fired.workflow.plan.output_type)

    async def schedules(self) -> tuple[ScheduleView, ...]:
        """Return the schedules that it knows, by name, with their last and next ticks."""
        self._check_open()
        return await self._scheduler.views()

    async def rerun(self, execution_id: str, *, id: str | None = None) -> Handle[Any]:  # noqa: A002 -- its name
        """Start a workflow again with the input of a former execution, in the version that is current now.

        Args:
            execution_id: The former execution; it stays as it is.
            id: The new one's idempotency key: a second re-run of the same execution with the same id joins the first.
                Default: a new one.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its workflow is not registered.
            IdempotencyError: If the id belongs to an execution that is no re-run of that one.
            PayloadError: If its input does not fit the current version.
            QueueRejectedError: As :meth:`start` does.
        """
        self._check_open()
        former = await self._worker.journals.get(execution_id)
        workflow = self._registry.current(former.row.workflow)
        value = self._tools.codec.decode(former.row.input, workflow.plan.input_type, f"the input of {execution_id}")
        row = self._registry.queues.place(self._new_row(workflow.plan, value, id), workflow.queue, value)
        await self._enter_again(row, Origin(execution_id))
        return self._handle(row.id, workflow.plan.output_type)

    async def fork(self, execution_id: str, from_step: str, *, id: str | None = None) -> Handle[Any]:  # noqa: A002
        """Start a workflow in the midst: with the results of a former execution up to a step.

        The step and all that come behind it are done again, in the version that is current now. What was done before
        stays the former execution's: if the new one is undone, that is not. It waits in its workflow's queue.

        Args:
            execution_id: The former execution; it stays as it is.
            from_step: The first step that is done again, by its node's id.
            id: The new one's idempotency key: a second fork of the same execution at the same step with the same id
                joins the first. Default: a new one.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its workflow is not registered.
            WorkflowError: If there is no such step, or what comes before it was undone.
            IdempotencyError: If the id belongs to an execution that is no fork of that one at that step.
            PayloadError: If its input does not fit the current version.
        """
        self._check_open()
        former = await self._worker.journals.get(execution_id)
        workflow = self._registry.current(former.row.workflow)
        plan = workflow.plan
        if from_step not in plan.nodes:
            raise WorkflowError(
                f"{plan.name!r} has no step {from_step!r}.", hint=f"It has {', '.join(plan.nodes) or 'none'}."
            )
        value = self._tools.codec.decode(former.row.input, plan.input_type, f"the input of {execution_id}")
        again = following(plan.graph, from_step)
        adopted = adopted_entries(former.entries, nodes=plan.nodes, again=again, at=self._tools.now())
        row = self._registry.queues.place(self._new_row(plan, value, id), workflow.queue, value)
        await self._enter_again(row, Origin(execution_id, from_step), adopted)
        return self._handle(row.id, plan.output_type)

    async def _enter_again(self, row: ExecutionRow, origin: Origin, adopted: Iterable[Entry] = ()) -> None:
        """Write an execution that does a former one again, unless the same was written under that id before."""
        entries = _renumbered([origin_entry(origin, row.created_at), *adopted])
        if (await self._worker.enter(row, entries)).verdict == "created":
            return
        if origin_of((await self._worker.journals.get(row.id)).entries) != origin:
            raise IdempotencyError(
                f"There is an execution {row.id!r}, which is another than asked for: {origin.words}.",
                hint="Give another id, or none.",
            )

    async def _enter(self, row: ExecutionRow) -> str:
        """Write a new execution; return its id, or that of the one that it joins."""
        entered = await self._worker.enter(row, ())
        if entered.verdict != "created":
            known = (await self._worker.journals.get(entered.execution_id)).row
            self._check_same(row, known.id, known.workflow, known.input, row.dedup_key)
        return entered.execution_id

    def _new_row(
        self,
        plan: Plan,
        value: Any,
        execution_id: str | None,
        *,
        delay: float = 0.0,
        priority: int = 0,
        owned: bool = True,
    ) -> ExecutionRow:
        execution_id = new_id("exec") if execution_id is None else execution_id
        _check_id(execution_id)
        if not is_whole(priority):
            raise refusal("priority", priority, "a whole number", "The highest begins first; default: 0.")
        written = self._tools.codec.encode(value, f"the input of {plan.name}", plan.input_type)
        now = self._tools.now()
        owner = self._worker.owner if owned and not delay and self._worker.has_room else ""
        row = new_row(plan, execution_id, written, now, owner=owner, available_at=now + delay, priority=priority)
        return traced(self._tools.telemetry, row)

    def _check_same(self, row: ExecutionRow, known_id: str, workflow: str, value: bytes, dedup_key: str = "") -> None:
        """Refuse to join an execution of another workflow, or with another input."""
        by_key = f" It has the key {dedup_key!r} in its queue." if known_id != row.id else ""
        if workflow != row.workflow:
            raise IdempotencyError(f"{known_id!r} is an execution of {workflow!r}, not of {row.workflow!r}.{by_key}")
        if not self._same_input(row, known_id, value):
            kind = "key" if by_key else "id"
            raise IdempotencyError(
                f"{known_id!r} was started with another input.{by_key}", hint=f"Use a new {kind} for a new input."
            )

    def _same_input(self, row: ExecutionRow, known_id: str, value: bytes) -> bool:
        """Compare inputs; those with secrets are encrypted anew each time, so that values are compared."""
        if row.input == value:
            return True
        plan = self._registry.find(row.workflow, row.plan_hash)
        wanted = plan.input_type if plan else Any
        codec = self._tools.codec
        given = codec.decode(row.input, wanted, "an input")
        try:
            return bool(codec.decode(value, wanted, "an input") == given)
        except PayloadError as error:
            raise IdempotencyError(
                f"{known_id!r} was started with another input: it is none that {row.workflow!r} can read now"
                f" ({error.__cause__ or error.message}).",
                hint="Use a new id for a new input.",
            ) from error


def _check_id(execution_id: str) -> None:
    """Refuse what cannot be the id of an execution.

    Raises:
        DefinitionError: If it is no text.
        IdempotencyError: If it is a text that would be trouble.
    """
    check_type(execution_id, str, "id", "a text", "Write id=str(...).")
    fits = 0 < len(execution_id) <= _LONGEST_ID and execution_id.isprintable()
    if not fits or CHILD_SEPARATOR in execution_id:
        raise IdempotencyError(
            f"An id is printable, 1 to {_LONGEST_ID} characters long and without '::', not {execution_id!r}.",
            hint="Leave it out to get a new one.",
        )


def _transactional(store: Store) -> TransactionStore:
    """Return the store as one that writes in the transactions of others.

    Raises:
        TransactionError: If it is none.
    """
    if not isinstance(store, TransactionStore):
        raise TransactionError(
            f"{type(store).__name__} has no part in the transactions of others.",
            hint="Use a PostgresStore on the database of the session, or start the execution after the commit.",
        )
    return store


def _renumbered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(replace(entry, seq=number) for number, entry in enumerate(entries, 1))
