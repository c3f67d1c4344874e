"""The worker: the executions that are live in this process, and their recovery at its start."""

import asyncio
import logging
from functools import partial

from euryale.kit.lifecycle import Tasks
from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import (
    EngineClosedError,
    StaleOwnerError,
    UnknownExecutionError,
    UnknownWorkflowError,
    WorkflowError,
)
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, ExecutionRow, Journal, Message
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.run import Run, Tools, Turn

_log = logging.getLogger("euryale.workflows")
_CLOSED = "The engine was closed; the execution goes on when it is opened again."


class Worker:
    """Owns the executions that this process drives.

    An execution that has not ended is *live* (an executor drives it), *opening* (it is about to be live) or *stranded*.

    Attributes:
        owner: The name under which it claims them.
        stranded: Executions that it cannot drive on, and what they lack.
    """

    def __init__(self, store: Store, registry: Registry, tools: Tools) -> None:
        self._store = store
        self._registry = registry
        self._tools = tools
        self._tasks = Tasks()
        self._live: dict[str, Executor] = {}
        self._opening: dict[str, asyncio.Future[None]] = {}
        self._closed = True
        self.owner = ""
        self.stranded: dict[str, str] = {}

    async def recover(self, owner: str) -> int:
        """Take over what an earlier process left; return how many executions go on.

        Raises:
            StoreError: If the store cannot be read.
        """
        self.owner = owner
        self.stranded.clear()
        self._tools.patience.begin()
        self._closed = False
        rows = await self._store.claim(owner)
        ready = [executor for row in rows if (executor := await self._load(row.id)) is not None]
        for executor in ready:
            self._drive(executor)
        return len(ready)

    async def stop(self) -> None:
        """Stop driving, whatever the executions are at; a later process goes on from the journal."""
        self._closed = True
        self._tools.patience.end()
        await self._tasks.stop()
        await self._tools.writer.drain()
        for executor in self._live.values():
            if not executor.done.done():
                executor.done.set_exception(EngineClosedError(_CLOSED))
        self._live.clear()
        self._tools.feed.close(EngineClosedError(_CLOSED))
        self._tools.threads.release()

    def run(self, execution_id: str) -> Run | None:
        """Return a live execution."""
        executor = self._live.get(execution_id)
        return executor.run if executor else None

    def drives(self, execution_id: str) -> bool:
        """Return whether the execution is live here, or about to be."""
        return execution_id in self._live or execution_id in self._opening

    async def create(self, row: ExecutionRow) -> bool:
        """Write a new execution and drive it; False if one of that id exists.

        Raises:
            StoreError: If it was not written.
        """
        await self._opened(row.id)
        if row.id in self._live:
            return False
        written = self._tools.writer.submit(Commit(row.id, row.epoch, create=(row,)))
        try:
            await asyncio.shield(self.launch(row, written))
        except StaleOwnerError:
            return False
        return True

    def launch(self, row: ExecutionRow, written: asyncio.Future[None]) -> asyncio.Future[None]:
        """Drive a new execution as soon as its row is written, whatever becomes of the caller; return ``written``."""
        self._opening[row.id] = written
        written.add_done_callback(partial(self._launch, row))
        return written

    def _launch(self, row: ExecutionRow, written: asyncio.Future[None]) -> None:
        del self._opening[row.id]
        if written.exception() is None and not self._closed:
            executor = self._admit(Journal(row))
            if executor is not None:
                self._drive(executor)

    async def _opened(self, execution_id: str) -> None:
        """Wait while the execution is about to be live."""
        while (opening := self._opening.get(execution_id)) is not None:
            await asyncio.wait([opening])

    async def _load(self, execution_id: str) -> Executor | None:
        """Make the executor of a claimed execution, or note what it lacks."""
        journal = await self._read(execution_id)
        return None if journal is None else self._admit(journal)

    async def _read(self, execution_id: str) -> Journal | None:
        return await self._tools.patience.outlast("reading the journal", lambda: self._store.load(execution_id))

    def _admit(self, journal: Journal) -> Executor | None:
        """Make an execution live, or note what it lacks."""
        row = journal.row
        plan = self._registry.find(row.workflow, row.plan_hash)
        if plan is None:
            self._strand(row.id, f"no plan {row.plan_hash} of {row.workflow!r} version {row.version} is registered")
            return None
        try:
            executor = Executor(Run(journal, plan, self._tools), self)
        except WorkflowError as error:  # a journal that makes no sense: the others must be recovered all the same
            self._strand(row.id, str(error))
            return None
        self.stranded.pop(row.id, None)
        self._live[row.id] = executor
        for message in journal.messages:
            executor.take(message)
        return executor

    def _strand(self, execution_id: str, lacking: str) -> None:
        self.stranded[execution_id] = lacking
        _log.warning("execution %s is stranded: %s", execution_id, lacking)

    def _drive(self, executor: Executor, turn: Turn | None = None, *, again: bool = False) -> None:
        coroutine = self._drive_to_end(executor, turn, again=again)
        self._tasks.spawn(coroutine, name=f"execution {executor.run.row.id}")

    async def _drive_to_end(self, executor: Executor, turn: Turn | None, *, again: bool) -> None:
        execution_id = executor.run.row.id
        try:
            outcome = await executor.drive(turn, again=again)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not take the other executions down
            if not isinstance(error, WorkflowError):
                _log.exception("execution %s met a fault of the engine", execution_id)
            if not self._closed:
                self._strand(execution_id, str(error) or repr(error))
            executor.done.set_exception(error)
            self._tools.feed.give_up(execution_id, error)
        else:
            executor.done.set_result(outcome)
        self._live.pop(execution_id, None)

    async def join(self, execution_id: str) -> Outcome:
        """Return when the execution has ended.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before.
        """
        looks = 0
        while True:
            await self._opened(execution_id)
            if (executor := self._live.get(execution_id)) is not None:
                return await asyncio.shield(executor.done)
            journal = await self._read(execution_id)
            if journal is None:
                raise UnknownExecutionError(f"No execution {execution_id!r}.")
            if journal.row.status.ended:
                return self.outcome(journal.row)
            looks += 1
            if looks > 1 and not self.drives(execution_id):  # it may have come to life and ended while we read
                raise self.stranded_error(execution_id)

    def stranded_error(self, execution_id: str) -> WorkflowError:
        """Return the error that tells why nobody drives an execution."""
        if self._closed:
            return EngineClosedError(_CLOSED)
        lacking = self.stranded.get(execution_id, "nobody drives it")
        return UnknownWorkflowError(
            f"{execution_id} is stranded: {lacking}.", hint="Mend that, then engine.retry(id), or open the engine anew."
        )

    def outcome(self, row: ExecutionRow) -> Outcome:
        """Return how an execution ended, from its row."""
        failure = None if row.error is None else self._tools.codec.decode(row.error, Failure, "an error")
        return Outcome(row, failure)

    async def plan(self, execution_id: str) -> Plan | None:
        """Return the plan of an execution, or None if it is not known here or there is no such execution."""
        if (run := self.run(execution_id)) is not None:
            return run.plan
        journal = await self._read(execution_id)
        return None if journal is None else self._registry.find(journal.row.workflow, journal.row.plan_hash)

    async def tell(self, message: Message) -> bool:
        """Keep a message durably and hand it to the execution.

        Returns:
            False if it had one of that kind and step, has ended, or has turned.

        Raises:
            UnknownExecutionError: If there is no such execution.
        """
        execution_id = message.execution_id
        await self._opened(execution_id)
        if execution_id not in self._live:
            journal = await self._read(execution_id)
            if journal is None:
                raise UnknownExecutionError(f"No execution {execution_id!r}.")
            if not journal.row.status.going_forward:
                return False
        fresh = await self._tools.patience.outlast("keeping a message", lambda: self._store.post(message))
        if (executor := self._live.get(execution_id)) is not None:
            return executor.take(message) and fresh
        return fresh and execution_id in self.stranded  # else it has ended meanwhile

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and be undone; False if it has ended, has turned, or was asked before."""
        return await self.tell(Message(execution_id, "cancel", "", b"null", self._tools.now()))

    async def revert(self, execution_id: str, *, again: bool) -> Outcome | None:
        """Undo an execution: cancel it if it runs, undo it if it has succeeded. None if it was never created."""
        await self._opened(execution_id)
        if execution_id in self._live:
            await self.cancel(execution_id)
        elif await self._read(execution_id) is None:
            return None
        outcome = await self.join(execution_id)
        if outcome.succeeded:
            failure = Failure("workflows.reverted_with_parent", "It was undone with the execution that called it.")
            return await self._reopen(execution_id, Turn(Reason.CANCELLED, failure))
        if again and outcome.row.status is Status.FAILED:
            return await self._reopen(execution_id, None)
        return outcome

    async def retry(self, execution_id: str) -> None:
        """Try compensations that gave up again; see ``Engine.retry``."""
        await self._reopen(execution_id, None)

    async def resume(self, execution_id: str) -> None:
        """Go on with a stranded execution; return when it goes on.

        Raises:
            UnknownWorkflowError: If it still lacks something.
        """
        await self._opened(execution_id)
        if execution_id not in self._live:
            self._drive(await self._open_again(execution_id))

    async def _reopen(self, execution_id: str, turn: Turn | None) -> Outcome:
        await self._opened(execution_id)
        executor = self._live.get(execution_id)
        if executor is None:
            executor = await self._open_again(execution_id)
            self._drive(executor, turn, again=turn is None)
        return await asyncio.shield(executor.done)

    async def _open_again(self, execution_id: str) -> Executor:
        """Take an execution over anew and make it live."""
        opening = self._opening[execution_id] = asyncio.get_running_loop().create_future()
        try:
            reclaim = partial(self._store.reclaim, execution_id, self.owner)
            await self._tools.patience.outlast("taking an execution over", reclaim)
            executor = await self._load(execution_id)
        finally:
            del self._opening[execution_id]
            opening.set_result(None)
        if executor is None:
            raise self.stranded_error(execution_id)
        return executor
