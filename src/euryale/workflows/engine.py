"""The engine: the facade of this floor, and the one place where its parts are put together."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Literal, TypeVar, cast

from msgspec.structs import replace

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.ids import new_id
from euryale.kit.lifecycle import Tasks
from euryale.kit.telemetry import Telemetry
from euryale.workflows.codec import JsonCodec
from euryale.workflows.definition.graph import following
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.queue import Queue
from euryale.workflows.definition.schedule import Schedule
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.drawing import DrawingFormat
from euryale.workflows.errors import (
    EngineClosedError,
    IdempotencyError,
    TransactionError,
    WorkflowError,
)
from euryale.workflows.handle import ExecutionView, Handle, outcome_error
from euryale.workflows.history import History
from euryale.workflows.insight import Insight, reading
from euryale.workflows.ports import Codec, ExecutionQuery, Resolver, Store, TransactionStore
from euryale.workflows.record.entry import Entry, ExecutionRow, Journal
from euryale.workflows.record.forking import adopted_entries
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.feed import ExecutionEvent, Feed
from euryale.workflows.runtime.invocation import MappedServices
from euryale.workflows.runtime.nesting import CHILD_SEPARATOR
from euryale.workflows.runtime.outside import Outside
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.pruner import Pruner
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.relay import Deliver, Relay
from euryale.workflows.runtime.reporter import ask_for_trace
from euryale.workflows.runtime.run import Tools
from euryale.workflows.runtime.scheduler import Scheduler, ScheduleView
from euryale.workflows.runtime.serving import Serving, in_seconds
from euryale.workflows.runtime.telling import Telling
from euryale.workflows.runtime.threads import StepThreads
from euryale.workflows.runtime.watching import watch
from euryale.workflows.runtime.worker import Limits, Worker
from euryale.workflows.runtime.writer import Writer

I = TypeVar("I")  # noqa: E741 -- the input's type
O = TypeVar("O")  # noqa: E741 -- the output's type
T = TypeVar("T")

_LONGEST_ID = 200


class Engine(Serving, Telling):
    """Runs workflows durably.

    Args:
        store: Where executions are written: ``SQLiteStore(path)``, or ``MemoryStore()`` in tests.
        workflows: The workflows that it knows; those that they call, and their queues, are known with them.
        queues: More queues that it claims executions of.
        schedules: What it starts by the clock, unless its concurrency is 0; their workflows are known, too.
        services: What steps get by ``inject()``: a mapping of types to objects, or an object with ``resolve(type)``.
            With a mapping, they get the engine itself, too.
        deliver: Called with each released event, at least once each, until it returns without raising.
        codec: How values are written; default: JSON, refusing secrets (pass ``JsonCodec(keys=...)`` for those).
        clock: The source of time.
        telemetry: Who is told what happens.
        randomness: Draws from [0, 1) for the jitter of retries.
        concurrency: How many executions it drives at a time; more wait for their turn. 0: none, it only starts them for
            other workers of the same store.
        lease: Seconds after which other workers take this one for dead if it does not renew, where they share a store.
        rest_after: An execution that only waits, and for at least so many seconds, is not kept in memory.
        prune_every: Seconds between two rounds of deleting executions whose retention is over, as long as some end
            that have one; None: only when :meth:`prune` is called.

    Example:
        >>> async with Engine(SQLiteStore("orders.db"), workflows=[place_order]) as engine:
        ...     receipt = await engine.run(place_order, Order(...), id="order-42")
    """

    def __init__(  # noqa: PLR0913 -- the composition root: one keyword for each part that can be replaced
        self,
        store: Store,
        *,
        workflows: Iterable[Workflow[Any, Any]] = (),
        queues: Iterable[Queue] = (),
        schedules: Iterable[Schedule[Any]] = (),
        services: Mapping[Any, Any] | Resolver | None = None,
        deliver: Deliver | None = None,
        codec: Codec | None = None,
        clock: Clock = SYSTEM_CLOCK,
        telemetry: Telemetry | None = None,
        randomness: random.Random | None = None,
        concurrency: int = 1000,
        lease: float = 15.0,
        rest_after: float = 1.0,
        prune_every: float | None = 3600.0,
    ) -> None:
        self._store = store
        codec = codec or JsonCodec()
        schedules = tuple(schedules)
        self._registry = Registry(codec, [*workflows, *(schedule.workflow for schedule in schedules)], queues)
        self._tasks = Tasks()
        patience = Patience()
        self._tools = Tools(
            codec=codec,
            writer=Writer(store, patience, telemetry := telemetry or Telemetry(), clock),
            feed=Feed(),
            clock=clock,
            telemetry=telemetry,
            resolver=_resolver(services, self),
            random=(randomness or random.Random()).random,  # noqa: S311 -- jitter, not cryptography
            threads=StepThreads(),
            patience=patience,
            rest_after=rest_after,
            draining=asyncio.Event(),
        )
        self._worker = Worker(store, self._registry, self._tools, Limits(concurrency, lease))
        self._insight = Insight(
            store, self._registry, self._tools.codec, live=self._worker.run, lacks=self._lacks, clock=clock
        )
        self._outside = Outside(self._worker, self._tools)
        self._pruner = Pruner(store, clock, self._tools.now, prune_every or 0.0)
        self._worker.on_end = self._pruner.see
        self._prunes_by_itself = bool(prune_every and concurrency)
        self._scheduler = Scheduler(store, self._tools, schedules, self._worker.scheduled)
        self._fires = bool(schedules and concurrency)
        self._relay = Relay(store, self._tools.codec, deliver) if deliver else None
        self._detach: Callable[[], None] | None = None
        self._open = False

    @property
    def telemetry(self) -> Telemetry:
        """Who is told what happens: attach a listener to it."""
        return self._tools.telemetry

    async def open(self, *, driving: bool = True) -> None:
        """Open the store, and go on with every execution that an earlier process left.

        Args:
            driving: Whether executions are driven here. If not, they can be started and told things, and are retried
                when that is asked for; all else is left to other workers, or to the next time.

        Raises:
            StoreLockedError: If another process owns the store.
            StoreError: If the store cannot be used.
        """
        await self._store.open()
        self._open = True
        try:
            if self._relay is not None and driving:
                self._detach = self._tools.telemetry.attach(self._wake_relay)
                self._tasks.spawn(self._relay.run(), name="euryale-relay")
            await self._worker.start(driving=driving)
            if self._prunes_by_itself and driving:
                self._tasks.spawn(self._pruner.run(), name="euryale-pruner")
            if self._fires and driving:
                await self._scheduler.start()
                self._tasks.spawn(self._scheduler.run(), name="euryale-scheduler")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop driving executions, write what is to be written, and close the store; executions go on later.

        Whoever waits for a result or for events gets an ``EngineClosedError``. The engine may be opened again.
        """
        self._open = False
        try:
            await self._worker.stop()
            if self._detach is not None:
                self._detach()
                self._detach = None
            await self._tasks.stop()
        finally:
            await self._store.close()

    async def _let_go(self, within: float) -> bool:
        self._check_open()
        return await self._worker.drain(within)

    def register(self, *workflows: Workflow[Any, Any]) -> None:
        """Make more workflows known; their executions that wait for it go on.

        Raises:
            DefinitionError: If another plan has the same name and version.
        """
        for workflow in workflows:
            self._registry.add(workflow)
        if self._open:
            self._worker.look()

    def workflows(self) -> tuple[Workflow[Any, Any], ...]:
        """Return the workflows that it knows, each in its highest version, by name."""
        return self._registry.all()

    def workflow(self, name: str) -> Workflow[Any, Any]:
        """Return a workflow in its highest version.

        Raises:
            UnknownWorkflowError: If there is none of that name.
        """
        return self._registry.current(name)

    async def run(
        self,
        workflow: Workflow[I, O],
        value: I,
        *,
        id: str | None = None,  # noqa: A002 -- its name
        queue: Queue | Literal["default"] | None = "default",
    ) -> O:
        """Run a workflow and return its result.

        Args:
            workflow: What to run; becomes known if it was not.
            value: Its input.
            id: An idempotency key: a second run with the same id joins the first and returns its result. Printable, at
                most 200 characters, without ``::``. Default: a new one.
            queue: Where it waits for its turn; see :meth:`start`.

        Raises:
            IdempotencyError: If the id belongs to an execution of another workflow, or with another input.
            PayloadError: If the input cannot be written.
            QueueRejectedError: As :meth:`start` does.
            ExecutionError: As :meth:`Handle.result` does.
        """
        return await (await self.start(workflow, value, id=id, queue=queue)).result()

    async def start(
        self,
        workflow: Workflow[I, O],
        value: I,
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
            value: Its input.
            id: An idempotency key; see :meth:`run`.
            delay: Seconds, or a timedelta, before it begins; its timeout counts from then.
            priority: Of those that wait for their turn, the ones with the highest priority begin first.
            queue: Where it waits for its turn; becomes known if it was not. Default: the workflow's queue; None:
                nowhere.
            deduplicate: While an execution with this key has not ended in the queue, this joins it.

        Raises:
            IdempotencyError: If the id, or the key of an execution that has not ended, belongs to one of another
                workflow, or with another input.
            PayloadError: If the input cannot be written, or a key cannot be one.
            QueueRejectedError: If others have its key, and the queue rejects.
            DefinitionError: If another queue has the same name, or there is no queue to deduplicate in.
        """
        self._check_open()
        self._registry.add(workflow)
        row = self._new_row(workflow.plan, value, id, delay=in_seconds(delay), priority=priority)
        wanted = workflow.queue if queue == "default" else queue
        entered = await self._worker.enter(self._registry.queues.place(row, wanted, value, deduplicate))
        if entered.verdict != "created":
            known = (await self._journal(entered.execution_id)).row
            self._check_same(row, known.id, known.workflow, known.input, deduplicate)
        return Handle(self, entered.execution_id, workflow.plan.output_type)

    async def start_in(
        self,
        session: object,
        workflow: Workflow[I, O],
        value: I,
        *,
        id: str | None = None,  # noqa: A002 -- its name
        delay: float | timedelta = 0.0,
        priority: int = 0,
    ) -> Handle[O]:
        """Start a workflow inside a transaction of the caller: the execution exists if, and only if, that is committed.

        A worker begins it right after the commit. Until then nobody else sees it, and ``result()`` finds nothing. Of a
        workflow with a queue it waits there for its turn, whatever the queue's policy.

        Args:
            session: SQLAlchemy's ``AsyncSession`` or ``AsyncConnection`` (or ``Session`` or ``Connection``), or
                asyncpg's ``Connection``, on the database of the :class:`PostgresStore`; commit it yourself.
            workflow: What to run; becomes known if it was not.
            value: Its input.
            id: An idempotency key; see :meth:`run`.
            delay: Seconds, or a timedelta, before it begins; see :meth:`start`.
            priority: See :meth:`start`.

        Raises:
            TransactionError: If the store is no ``PostgresStore``, or that is no transaction in its database.
            IdempotencyError: If the id belongs to an execution of another workflow, or with another input.
            PayloadError: If the input cannot be written.
            Exception: What the session raises, as it is.
        """
        self._check_open()
        if not isinstance(self._store, TransactionStore):
            raise TransactionError(
                f"{type(self._store).__name__} has no part in the transactions of others.",
                hint="Use a PostgresStore on the database of the session, or start the execution after the commit.",
            )
        self._registry.add(workflow)
        row = self._new_row(workflow.plan, value, id, delay=in_seconds(delay), priority=priority, owned=False)
        row = self._registry.queues.place(row, workflow.queue, value)
        if (known := await self._store.create_in(session, row)) is not None:
            self._check_same(row, row.id, *known)
        return Handle(self, row.id, workflow.plan.output_type)

    async def trigger(self, schedule: str) -> Handle[Any]:
        """Fire a schedule now, out of turn; its ticks stay as they are.

        Args:
            schedule: Its name.

        Raises:
            UnknownScheduleError: If there is none of that name here.
            OverlapError: If it forbids overlaps, and its former execution has not ended.
        """
        self._check_open()
        fired, execution_id = await self._scheduler.trigger(schedule)
        return Handle(self, execution_id, fired.workflow.plan.output_type)

    async def schedules(self) -> tuple[ScheduleView, ...]:
        """Return the schedules that it knows, by name, with their last and next ticks."""
        self._check_open()
        return await self._scheduler.views()

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
        execution_id = execution_id or new_id("exec")
        if len(execution_id) > _LONGEST_ID or not execution_id.isprintable() or CHILD_SEPARATOR in execution_id:
            raise IdempotencyError(
                f"An id is printable, at most {_LONGEST_ID} characters long and without '::': {execution_id!r}."
            )
        now, at_once = self._tools.now(), owned and not delay and self._worker.has_room
        row = ExecutionRow(
            id=execution_id,
            workflow=plan.name,
            version=plan.version,
            plan_hash=plan.hash,
            status=Status.RUNNING if at_once else Status.PENDING,
            created_at=now,
            input=self._tools.codec.encode(value, f"the input of {plan.name}", plan.input_type),
            root_id=execution_id,
            owner=self._worker.owner if at_once else "",
            available_at=None if at_once else now + delay,
            started_at=now if at_once else None,
            priority=priority,
            retention=plan.retention,
        )
        return replace(row, trace=ask_for_trace(self._tools.telemetry, row))

    def _check_same(self, row: ExecutionRow, known_id: str, workflow: str, value: bytes, dedup_key: str = "") -> None:
        """Refuse to join an execution of another workflow, or with another input."""
        by_key = f" It has the key {dedup_key!r} in its queue." if known_id != row.id else ""
        if workflow != row.workflow:
            raise IdempotencyError(f"{known_id!r} is an execution of {workflow!r}, not of {row.workflow!r}.{by_key}")
        if not self._same_input(row, value):
            kind = "key" if by_key else "id"
            raise IdempotencyError(
                f"{known_id!r} was started with another input.{by_key}", hint=f"Use a new {kind} for a new input."
            )

    def _same_input(self, row: ExecutionRow, value: bytes) -> bool:
        """Compare inputs; those with secrets are encrypted anew each time, so that values are compared."""
        if row.input == value:
            return True
        plan = self._registry.find(row.workflow, row.plan_hash)
        wanted = plan.input_type if plan else Any
        codec = self._tools.codec
        return bool(codec.decode(value, wanted, "an input") == codec.decode(row.input, wanted, "an input"))

    def handle(self, execution_id: str) -> Handle[Any]:
        """Return a handle on an execution by its id; whether it exists shows when the handle is used."""
        return Handle(self, execution_id, Any)

    async def result(self, execution_id: str, output_type: Any = Any) -> Any:
        """Return an execution's result when it has one; see :meth:`Handle.result`.

        Args:
            execution_id: The execution.
            output_type: What to read the result as; Any: as its workflow is annotated, plain values if that is not
                known here.
        """
        self._check_open()
        outcome = await self._worker.ended(execution_id)
        if not outcome.succeeded or outcome.row.output is None:
            raise outcome_error(outcome)
        if output_type is Any and (plan := self._registry.find(outcome.row.workflow, outcome.row.plan_hash)):
            output_type = plan.output_type
        return self._tools.codec.decode(outcome.row.output, output_type, f"the result of {execution_id}")

    async def wait(self, execution_id: str) -> Status:
        """Return how an execution ended, once it has; raises nothing for one that did not succeed.

        Raises:
            UnknownExecutionError: If there is none.
        """
        self._check_open()
        return (await self._worker.ended(execution_id)).row.status

    async def get(self, execution_id: str) -> ExecutionView:
        """Return what can be seen of an execution.

        Raises:
            UnknownExecutionError: If there is none.
        """
        await self._settled(execution_id)
        return await self._insight.get(execution_id)

    async def history(self, execution_id: str) -> History:
        """Return everything that happened in an execution: each attempt with input, output or error, worker and times.

        Values in it are plain, secrets are redacted.

        Raises:
            UnknownExecutionError: If there is none.
        """
        await self._settled(execution_id)
        return await self._insight.history(execution_id)

    async def graph(self, execution_id: str, form: DrawingFormat = "svg") -> str:
        """Return a picture of an execution: its plan, coloured by what its nodes are at.

        Args:
            execution_id: Which.
            form: ``svg``, ``mermaid`` or ``json``; a plan alone is drawn by ``euryale.workflows.drawing``.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its plan is not known here.
        """
        await self._settled(execution_id)
        return await self._insight.graph(execution_id, form)

    def reading(self) -> AbstractAsyncContextManager[Insight]:
        """Look at executions without taking part, also while another process owns the store; see ``Insight``."""
        return reading(self._store.reader(), self._registry, self._tools.codec, self._tools.clock)

    async def list(self, query: ExecutionQuery | None = None) -> tuple[ExecutionView, ...]:
        """Return executions, newest first."""
        self._check_open()
        return await self._insight.list(query)

    def _lacks(self, row: ExecutionRow) -> str:
        return self._worker.lacks(row) or self._registry.queues.lacks(row)

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and to be undone; return when the wish is durable.

        Returns:
            Whether it will be undone because of this; False if it has ended, is being undone, or was asked before. One
            that another worker drives hears of it within moments; if its last step succeeds before, it has succeeded.

        Raises:
            UnknownExecutionError: If there is none.
        """
        self._check_open()
        return await self._worker.cancel(execution_id)

    async def retry(self, execution_id: str) -> None:
        """Try again to undo an execution that ended ``failed``, or go on with a stranded one.

        Returns when the undoing has been tried; of a stranded one, when it goes on.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded and still lacks something.
            WorkflowError: If it is neither failed nor stranded, or waits in a queue.
        """
        journal = await self._journal(execution_id)
        if journal.row.status is Status.FAILED:
            await self._worker.retry(execution_id)
        elif not journal.row.status.ended and not self._worker.drives(execution_id):
            await self._worker.resume(execution_id)
        else:
            raise WorkflowError(
                f"{execution_id} is {journal.row.status}; only a failed or stranded execution can be retried.",
                hint="A reverted one is started again under a new id.",
            )

    async def rerun(self, execution_id: str, *, id: str | None = None) -> Handle[Any]:  # noqa: A002 -- its name
        """Start a workflow again with the input of a former execution, in the version that is current now.

        Args:
            execution_id: The former execution; it stays as it is.
            id: The new one's idempotency key; see :meth:`run`.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its workflow is not registered.
            PayloadError: If its input does not fit the current version.
        """
        former = await self._journal(execution_id)
        workflow = self._registry.current(former.row.workflow)
        value = self._tools.codec.decode(former.row.input, workflow.plan.input_type, f"the input of {execution_id}")
        return await self.start(workflow, value, id=id)

    async def fork(self, execution_id: str, from_step: str, *, id: str | None = None) -> Handle[Any]:  # noqa: A002
        """Start a workflow in the midst: with the results of a former execution up to a step.

        The step and all that come behind it are done again, in the version that is current now. What was done before
        stays the former execution's: if the new one is undone, that is not. It waits in its workflow's queue.

        Args:
            execution_id: The former execution; it stays as it is.
            from_step: The first step that is done again, by its node's id.
            id: The new one's id; default: a new one.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If its workflow is not registered.
            WorkflowError: If there is no such step, or what comes before it was undone.
            IdempotencyError: If the id is taken.
            PayloadError: If its input does not fit the current version.
        """
        former = await self._journal(execution_id)
        workflow = self._registry.current(former.row.workflow)
        plan = workflow.plan
        if from_step not in plan.nodes:
            raise WorkflowError(
                f"{plan.name!r} has no step {from_step!r}.", hint=f"It has {', '.join(plan.nodes) or 'none'}."
            )
        value = self._tools.codec.decode(former.row.input, plan.input_type, f"the input of {execution_id}")
        entries = adopted_entries(former.entries, following(plan.graph, from_step), self._tools.now())
        row = self._registry.queues.place(self._new_row(plan, value, id), workflow.queue, value)
        known = tuple(entry for entry in entries if entry.step.partition("[")[0] in plan.nodes)
        if (await self._worker.enter(row, _renumbered(known))).verdict != "created":
            raise IdempotencyError(f"There is an execution {row.id!r}.", hint="Fork it under another id.")
        return Handle(self, row.id, plan.output_type)

    async def events(self, execution_id: str) -> AsyncIterator[ExecutionEvent]:
        """Yield what has happened to an execution, then what happens, until it has ended.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before it has ended.
        """
        self._check_open()
        async for event in watch(execution_id, self._worker, self._tools, shared=self._store.shared):
            yield event

    async def prune(self) -> int:
        """Delete executions whose retention is over, with their children, except failed ones; return how many.

        Done by itself now and then: see ``prune_every``.
        """
        self._check_open()
        return await self._pruner.prune()

    async def _journal(self, execution_id: str, *, after: int = 0) -> Journal:
        self._check_open()
        return await self._worker.journal(execution_id, after=after)

    async def _settled(self, execution_id: str) -> None:
        """Wait while the execution is about to be live."""
        self._check_open()
        await self._worker.opened(execution_id)

    def _check_open(self) -> None:
        if not self._open:
            raise EngineClosedError

    def _wake_relay(self, name: str, _: Mapping[str, Any]) -> None:
        if self._relay is not None and name == "workflow.execution.finished":
            self._relay.wake()


def _renumbered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(replace(entry, seq=number) for number, entry in enumerate(entries, 1))


def _resolver(services: Mapping[Any, Any] | Resolver | None, engine: Engine) -> Resolver:
    if services is None or isinstance(services, Mapping):
        return cast("Resolver", MappedServices({Engine: engine, **(services or {})}))
    return services
