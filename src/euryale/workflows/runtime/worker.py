"""The worker: the executions that are live in this process, and their recovery at its start."""

import asyncio
import logging

from euryale.kit.lifecycle import Tasks
from euryale.workflows.errors import (
    EngineClosedError,
    PayloadError,
    StaleOwnerError,
    StoreError,
    UnknownExecutionError,
    UnknownWorkflowError,
)
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message, StatusChange
from euryale.workflows.record.states import EntryKind, Reason, Status
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.run import Run, Tools, Turn

_log = logging.getLogger("euryale.workflows")


class Worker:
    """Owns the executions that this process drives.

    Attributes:
        owner: The name under which it claims them.
        stranded: Executions that it cannot drive on, and what they lack.
    """

    def __init__(self, store: Store, registry: Registry, tools: Tools, owner: str) -> None:
        self._store = store
        self._registry = registry
        self._tools = tools
        self._tasks = Tasks()
        self._live: dict[str, Executor] = {}
        self.owner = owner
        self.stranded: dict[str, str] = {}

    async def recover(self) -> int:
        """Take over what an earlier process left; return how many executions go on."""
        rows = await self._store.claim(self.owner)
        ready = [executor for row in rows if (executor := await self._load(row.id)) is not None]
        for executor in ready:
            self._drive(executor)
        return len(ready)

    async def stop(self) -> None:
        """Stop driving, whatever the executions are at; a later process goes on from the journal."""
        await self._tasks.stop()
        await self._tools.writer.drain()
        for executor in self._live.values():
            if not executor.done.done():
                executor.done.set_exception(EngineClosedError("The engine was closed; the execution goes on later."))
        self._live.clear()

    def executor(self, execution_id: str) -> Executor | None:
        """Return the executor of a live execution."""
        return self._live.get(execution_id)

    async def create(self, row: ExecutionRow) -> bool:
        """Write a new execution and drive it; False if one of that id exists.

        Raises:
            StoreError: If it was not written.
        """
        try:
            await self._tools.writer.write(Commit(row.id, row.epoch, create=(row,)))
        except StaleOwnerError:
            return False
        self.launch(row)
        return True

    def launch(self, row: ExecutionRow) -> None:
        """Drive an execution whose row has just been written."""
        plan = self._registry.find(row.workflow, row.plan_hash)
        if plan is None:
            raise UnknownWorkflowError(f"{row.workflow} is not registered.")
        self._drive(self._admit(Run(Journal(row), plan, self._tools)))

    def _admit(self, run: Run) -> Executor:
        executor = Executor(run, self)
        self._live[run.row.id] = executor
        return executor

    async def _load(self, execution_id: str) -> Executor | None:
        """Make the executor of a claimed execution, or note what it lacks."""
        journal = await self._store.load(execution_id)
        if journal is None:
            return None
        plan = self._registry.find(journal.row.workflow, journal.row.plan_hash)
        if plan is None:
            row = journal.row
            lacking = f"no plan {row.plan_hash} of {row.workflow!r} version {row.version} is registered"
            self.stranded[execution_id] = lacking
            _log.warning("execution %s is stranded: %s", execution_id, lacking)
            return None
        executor = self._admit(Run(journal, plan, self._tools))
        for message in journal.messages:
            executor.take(message)
        return executor

    def _drive(self, executor: Executor, turn: Turn | None = None) -> None:
        self._tasks.spawn(self._drive_to_end(executor, turn), name=f"execution {executor.run.row.id}")

    async def _drive_to_end(self, executor: Executor, turn: Turn | None) -> None:
        row = executor.run.row
        try:
            outcome = await executor.drive(turn)
        except (StoreError, PayloadError) as error:
            self.stranded[row.id] = str(error)
            _log.error("execution %s cannot go on: %s", row.id, error)
            executor.done.set_exception(error)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not take the other executions down
            self.stranded[row.id] = repr(error)
            _log.exception("execution %s cannot go on", row.id)
            executor.done.set_exception(error)
        else:
            executor.done.set_result(outcome)
        self._live.pop(row.id, None)

    async def join(self, execution_id: str) -> Outcome:
        """Return when the execution has ended.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before.
        """
        if (executor := self._live.get(execution_id)) is not None:
            return await asyncio.shield(executor.done)
        journal = await self._store.load(execution_id)
        if journal is None:
            raise UnknownExecutionError(f"No execution {execution_id!r}.")
        if not journal.row.status.ended:
            if (executor := self._live.get(execution_id)) is not None:
                return await asyncio.shield(executor.done)
            raise UnknownWorkflowError(
                f"{execution_id} is stranded: {self.stranded.get(execution_id, 'nobody drives it')}."
            )
        return self.outcome(journal.row)

    def outcome(self, row: ExecutionRow) -> Outcome:
        """Return how an execution ended, from its row."""
        failure = None if row.error is None else self._tools.codec.decode(row.error, Failure, "an error")
        return Outcome(row, failure)

    async def tell(self, message: Message) -> bool:
        """Keep a message durably and hand it to the execution; False if it had one of that kind and step.

        Raises:
            UnknownExecutionError: If there is no such execution.
        """
        if message.execution_id not in self._live and await self._store.load(message.execution_id) is None:
            raise UnknownExecutionError(f"No execution {message.execution_id!r}.")
        fresh = await self._store.post(message)
        if fresh and (executor := self._live.get(message.execution_id)) is not None:
            executor.take(message)
        return fresh

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and be undone; False if it has ended or was asked before."""
        return await self.tell(Message(execution_id, "cancel", "", b"null", self._tools.now()))

    async def revert(self, execution_id: str) -> Outcome | None:
        """Undo an execution: cancel it if it runs, undo it if it has succeeded. None if it was never created."""
        if execution_id in self._live:
            await self.cancel(execution_id)
            outcome = await self.join(execution_id)
        else:
            journal = await self._store.load(execution_id)
            if journal is None:
                return None
            outcome = self.outcome(journal.row)
        if not outcome.succeeded:
            return outcome
        failure = Failure("workflows.reverted_with_parent", "It was undone with the execution that called it.")
        return await self._reopen(execution_id, Turn(Reason.CANCELLED, failure))

    async def retry(self, execution_id: str) -> None:
        """Try compensations that gave up again; see ``Engine.retry``."""
        await self._reopen(execution_id, None)

    async def _reopen(self, execution_id: str, turn: Turn | None) -> Outcome:
        await self._store.reclaim(execution_id, self.owner)
        executor = await self._load(execution_id)
        if executor is None:
            raise UnknownWorkflowError(f"{execution_id} is stranded: {self.stranded.get(execution_id, 'it is gone')}.")
        if turn is None:
            run = executor.run
            run.note(EntryKind.REOPENED)
            await run.flush(StatusChange(Status.COMPENSATING, run.row.reason, error=run.row.error))
        self._drive(executor, turn)
        return await asyncio.shield(executor.done)
