"""The engine: the facade of this floor, and the one place where its parts are put together."""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.lifecycle import Tasks
from euryale.kit.telemetry import Telemetry
from euryale.workflows.codec import JsonCodec
from euryale.workflows.definition.checks import check_count, check_each, check_seconds, refusal
from euryale.workflows.definition.queue import Queue
from euryale.workflows.definition.schedule import Schedule
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.drawing import DrawingFormat
from euryale.workflows.errors import (
    EngineClosedError,
)
from euryale.workflows.handle import ExecutionView, Handle, outcome_error
from euryale.workflows.history import History
from euryale.workflows.insight import Insight, reading
from euryale.workflows.ports import Codec, Resolver, Store
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import Status
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.runtime.feed import ExecutionEvent
from euryale.workflows.runtime.invocation import MappedServices
from euryale.workflows.runtime.outside import Outside
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.pruner import Pruner
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.relay import Deliver, Relay
from euryale.workflows.runtime.reopening import not_retried
from euryale.workflows.runtime.run import Tools
from euryale.workflows.runtime.scheduler import Scheduler
from euryale.workflows.runtime.serving import Serving
from euryale.workflows.runtime.telling import Telling
from euryale.workflows.runtime.watching import watch
from euryale.workflows.runtime.worker import Limits, Worker
from euryale.workflows.runtime.writer import Writer
from euryale.workflows.starting import Starting

I = TypeVar("I")  # noqa: E741 -- the input's type
O = TypeVar("O")  # noqa: E741 -- the output's type
T = TypeVar("T")

_A_LIST = "Write [...] around what was declared with Queue(...), Schedule(...) or @workflow(...)."


class Engine(Serving, Starting, Telling):
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
        concurrency: How many executions it drives at a time; more wait for their turn. Those that only wait do not
            count, be it for a child to be undone. 0: none, it only starts them for other workers of the same store.
        lease: Seconds after which other workers take this one for dead if it does not renew, where they share a store.
        rest_after: An execution that only waits, and for at least so many seconds, is not kept in memory.
        prune_every: Seconds between two rounds of deleting executions whose retention is over, as long as some end
            that have one; None: only when :meth:`prune` is called.

    Raises:
        DefinitionError: If something that it is given cannot be right, or two things of one name differ.

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
        _check_parts(store, services)
        _check_limits(concurrency, lease, rest_after, prune_every)
        self._store = store
        codec = codec or JsonCodec()
        queues = check_each(queues, Queue, "Engine: queues", "queue", _A_LIST)
        schedules = check_each(schedules, Schedule, "Engine: schedules", "schedule", _A_LIST)
        workflows = check_each(workflows, Workflow, "Engine: workflows", "workflow", _A_LIST)
        self._registry = Registry(codec, [*workflows, *(schedule.workflow for schedule in schedules)], queues)
        self._tasks = Tasks()
        patience = Patience()
        self._tools = Tools(
            codec=codec,
            writer=Writer(store, patience, telemetry := telemetry or Telemetry(), clock),
            clock=clock,
            telemetry=telemetry,
            resolver=_resolver(services, self),
            random=(randomness or random.Random()).random,  # noqa: S311 -- jitter, not cryptography
            patience=patience,
            rest_after=rest_after,
        )
        self._pruner = Pruner(store, clock, self._tools.now, prune_every or 0.0)
        self._worker = Worker(store, self._registry, self._tools, Limits(concurrency, lease), self._pruner.see)
        self._insight = Insight(
            store, self._registry, self._tools.codec, live=self._worker.run, lacks=self._lacks, clock=clock
        )
        self._outside = Outside(self._worker.tell, self._worker.journals, self._tools)
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

    @property
    def store(self) -> Store:
        """Where executions are written."""
        return self._store

    async def open(self, *, driving: bool = True) -> None:
        """Open the store, and go on with every execution that an earlier process left.

        Args:
            driving: Whether executions are driven here. If not, they can be started and told things, and are retried
                when that is asked for, in memory to their end; all else is left to other workers, or to the next time.

        Raises:
            StoreLockedError: If another process owns the store.
            UnusableStoreError: If what is there is no store, or none that can be used.
            StoreError: If the store cannot be reached.
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

    def handle(self, execution_id: str) -> Handle[Any]:
        """Return a handle on an execution by its id; whether it exists shows when the handle is used."""
        return self._handle(execution_id, Any)

    def _handle(self, execution_id: str, output_type: Any) -> Handle[Any]:
        return Handle(self, execution_id, output_type)

    async def result(self, execution_id: str, output_type: Any = Any) -> Any:
        """Return an execution's result when it has one; see :meth:`Handle.result`.

        Args:
            execution_id: The execution.
            output_type: What to read the result as; Any: as its workflow is annotated, plain values if that is not
                known here.
        """
        self._check_open()
        outcome = await self._worker.outcomes.ended(execution_id)
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
        return (await self._worker.outcomes.ended(execution_id)).row.status

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
        tools = self._tools
        return reading(self._store.reader(), self._registry, tools.codec, tools.clock, lacks=self._lacks)

    async def list(self, query: ExecutionQuery | None = None) -> tuple[ExecutionView, ...]:
        """Return executions, newest first."""
        self._check_open()
        return await self._insight.list(query)

    def _lacks(self, row: ExecutionRow) -> str:
        return self._worker.stranding.lacks(row) or self._registry.queues.lacks(row)

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and to be undone; return when the wish is durable.

        Returns:
            Whether it will be undone because of this; False if it has ended, is being undone, or was asked before. One
            that another worker drives hears of it within moments; should its last step succeed before, that is undone,
            too: its success is not written any more.

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
        self._check_open()
        journal = await self._worker.journals.get(execution_id)
        if journal.row.status is Status.FAILED:
            await self._worker.reopening.retry(execution_id)
        elif not journal.row.status.ended and not self._worker.drives(execution_id):
            await self._worker.reopening.resume(execution_id)
        else:
            raise not_retried(journal.row)

    async def events(self, execution_id: str) -> AsyncIterator[ExecutionEvent]:
        """Yield what has happened to an execution, then what happens, until it has ended.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before it has ended.
        """
        self._check_open()
        async for event in watch(execution_id, self._worker.journals, self._worker.stranding, self._tools):
            yield event

    async def prune(self) -> int:
        """Delete executions whose retention is over, with their children, except failed ones; return how many.

        Done by itself now and then: see ``prune_every``.
        """
        self._check_open()
        return await self._pruner.prune()

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


def _check_parts(store: Any, services: Any) -> None:
    if isinstance(store, type) or not hasattr(store, "write"):
        hint = 'Pass SQLiteStore("orders.db"), say; MemoryStore() in tests.'
        raise refusal("Engine: store", store, "a store", hint)
    if services is not None and not isinstance(services, Mapping) and not hasattr(services, "resolve"):
        hint = "Write services={Stock: stock}."
        raise refusal("Engine: services", services, "a mapping of types to objects, nor an object with resolve()", hint)


def _check_limits(concurrency: Any, lease: Any, rest_after: Any, prune_every: Any) -> None:
    check_count(concurrency, "Engine: concurrency", least=0, hint="0: it drives nothing, and only starts executions.")
    check_seconds(lease, "Engine: lease")
    check_seconds(rest_after, "Engine: rest_after", zero=True)
    if prune_every is not None:
        check_seconds(prune_every, "Engine: prune_every")


def _resolver(services: Mapping[Any, Any] | Resolver | None, engine: Engine) -> Resolver:
    if services is None or isinstance(services, Mapping):
        return cast("Resolver", MappedServices({Engine: engine, **(services or {})}))
    return services
