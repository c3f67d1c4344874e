"""The worker: the executions that are live in this process."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from euryale.kit.clock import Limit, pause
from euryale.kit.ids import new_id
from euryale.kit.lifecycle import Tasks
from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import (
    EngineClosedError,
    StaleOwnerError,
    StoreError,
    UnknownExecutionError,
    UnknownWorkflowError,
    WorkflowError,
)
from euryale.workflows.ports import Entered, Store
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Journal, Message, Release
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.dispatcher import Dispatcher
from euryale.workflows.runtime.doorkeeper import Doorkeeper
from euryale.workflows.runtime.draining import until_none
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.fleet import Announcer, Membership
from euryale.workflows.runtime.mailbox import Mailbox
from euryale.workflows.runtime.presence import Presence
from euryale.workflows.runtime.queues import check_has_begun
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.reporter import Reporter
from euryale.workflows.runtime.run import Run, Tools, Turn
from euryale.workflows.runtime.waiters import Waiters

_log = logging.getLogger("euryale.workflows")
_CLOSED = "The engine was closed; the execution goes on when it is opened again."
_LOOK_EVERY = 0.5
_READ_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker takes on.

    Attributes:
        executions: How many executions it drives at a time; 0: none, it only starts them for others.
        lease: Seconds after which it is taken for dead if it does not renew, in a store that workers share.
    """

    executions: int
    lease: float


class Worker:
    """Owns the executions that this process drives.

    An execution that has not ended is *live* (an executor drives it), *opening* (it is about to be live), or not here:
    it waits in the store until it has something to do, or another worker drives it.

    Attributes:
        on_end: Told each execution that has ended here.
    """

    def __init__(self, store: Store, registry: Registry, tools: Tools, limits: Limits) -> None:
        self._store = store
        self._registry = registry
        self._tools = tools
        self._limits = limits
        self._tasks = Tasks()
        self._present = Presence()
        self._live = self._present.live
        tools.writer.alone = lambda: len(self._present) == 1
        self._waiters = Waiters()
        self._reporter = Reporter(tools.telemetry, tools.clock)
        self._announcer = Announcer(store, tools.clock)
        self._dispatcher = Dispatcher(store, tools.clock, tools.patience, registry, room=self._room, take=self._take)
        self._mailbox = Mailbox(
            store, tools.patience, self._announcer, live=self._live.get, ready=self._dispatcher.nudge
        )
        self._doorkeeper = Doorkeeper(
            store, registry.queues, self._mailbox, tools, expect=self._expect, look=self._look_around
        )
        self._membership = Membership(
            store,
            tools.clock,
            limits.lease,
            reaped=self._take_over,
            lost=self._begin_anew,
            looked=self._look_around,
        )
        self._unlisten: Callable[[], None] | None = None
        self._stuck: dict[str, str] = {}
        self.on_end: Callable[[ExecutionRow], None] = lambda _: None
        self._anew = asyncio.Lock()
        self._closed = True
        self._driving = True

    @property
    def owner(self) -> str:
        """The name under which it owns executions: a new one each time it starts, or was taken for dead."""
        return self._membership.owner

    @property
    def has_room(self) -> bool:
        """Whether it would drive one more execution at once."""
        return self._room() > 0

    def _room(self) -> int:
        if self._tools.draining.is_set() or not self._driving:
            return 0
        return max(0, self._limits.executions - len(self._present))

    async def start(self, *, driving: bool = True) -> None:
        """Become a worker, and take over what has something to do and is owned by nobody.

        Args:
            driving: Whether it does; if not, it drives only what it is asked to retry.

        Raises:
            StoreError: If the store cannot be used.
        """
        self._tools.patience.begin()
        self._tools.draining.clear()
        self._stuck.clear()
        self._closed, self._driving = False, driving
        await self._enlist()
        self._unlisten = self._store.listen(self._hear)
        if self._limits.executions and driving:
            await self._dispatcher.look()
            self._tasks.spawn(self._dispatcher.run(), name="euryale-dispatcher")
        if self._store.shared:
            self._tasks.spawn(self._membership.run(), name="euryale-membership")
            self._tasks.spawn(self._announcer.run(), name="euryale-announcer")

    async def _enlist(self) -> None:
        await self._membership.join(f"{socket.gethostname()}:{os.getpid()}:{new_id('worker')}")
        self._dispatcher.owner = self.owner

    async def stop(self) -> None:
        """Stop driving, whatever the executions are at; whoever claims them next goes on from the journal."""
        was_open, self._closed = not self._closed, True
        self._tools.patience.end()
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        await self._tasks.stop()
        await self._doorkeeper.drain()
        await self._tools.writer.drain()
        self._drop_all(EngineClosedError(_CLOSED), "closed")
        self._tools.feed.close(EngineClosedError(_CLOSED))
        self._tools.threads.release()
        if was_open and self.owner:
            await self._sign_off()

    async def _sign_off(self) -> None:
        try:
            await self._store.retire(self.owner)
        except StoreError as error:  # then its lease will run out
            _log.warning("worker %s could not sign off: %s", self.owner, error)
            return
        self._announcer.add("ready")
        await self._announcer.flush()

    async def drain(self, within: float) -> bool:
        """Take on nothing more, let go of each execution between two steps; return whether none is left in time."""
        self._tools.draining.set()
        for executor in tuple(self._live.values()):
            executor.let_go()
        return await until_none(self._present.under_way, self._tools.clock, within)

    def _drop_all(self, error: WorkflowError, cause: str) -> None:
        for executor in self._live.values():
            self._reporter.let_go(executor.run.row, cause)
            if not executor.done.done():
                executor.done.set_exception(error)
        self._live.clear()
        self._waiters.stir_all()

    def look(self) -> None:
        """Look for executions to drive, as others may have become known."""
        self._dispatcher.nudge()

    def run(self, execution_id: str) -> Run | None:
        """Return a live execution."""
        executor = self._live.get(execution_id)
        return executor.run if executor else None

    def drives(self, execution_id: str) -> bool:
        """Return whether the execution is live here, or about to be."""
        return execution_id in self._present

    async def create(self, row: ExecutionRow, entries: tuple[Entry, ...] = ()) -> bool:
        """Write a new execution, and drive it if it is this worker's; False if one of that id exists.

        Args:
            row: The execution.
            entries: What its journal begins with.

        Raises:
            StoreError: If it was not written.
        """
        await self.opened(row.id)
        if row.id in self._live:
            return False
        written = self._tools.writer.submit(Commit(row.id, row.epoch, entries, create=(row,)))
        try:
            await asyncio.shield(self.launch(row, written, entries))
        except StaleOwnerError:
            if not row.owner or await self._read(row.id) is not None:
                return False
            await self._begin_anew(row.owner)  # nothing has that id: the store does not know us any more
            return await self.create(replace(row, owner=self.owner), entries)
        return True

    def scheduled(self, created: ExecutionRow | None, cancelled: str) -> None:
        """Have executions driven that a schedule created and cancelled."""
        if created is not None:
            self._reporter.created(created)
            self._expect(created)
        if cancelled:
            self._tasks.spawn(self._pass_on_to(cancelled), name=f"messages of {cancelled}")

    async def _pass_on_to(self, execution_id: str) -> None:
        await self.opened(execution_id)
        await self._mailbox.remind(execution_id)

    def launch(
        self, row: ExecutionRow, written: asyncio.Future[None], entries: tuple[Entry, ...] = ()
    ) -> asyncio.Future[None]:
        """Drive a new execution as soon as its row is written, whatever becomes of the caller; return ``written``."""
        self._present.open(row.id, written, partial(self._launch, row, entries))
        return written

    def _launch(self, row: ExecutionRow, entries: tuple[Entry, ...], written: asyncio.Future[None]) -> None:
        if written.exception() is not None:
            return
        self._reporter.created(row)
        if self._closed:
            return
        if not row.owner:
            self._expect(row)
        elif row.owner == self.owner and (executor := self._admit(Journal(row, entries))) is not None:
            self._drive(executor)

    def _expect(self, row: ExecutionRow) -> None:
        """Have an execution claimed that nobody owns, by whoever has room."""
        self._dispatcher.nudge(row.available_at)
        self._announcer.add("ready")

    async def enter(self, row: ExecutionRow, entries: tuple[Entry, ...] = ()) -> Entered:
        """Write a new execution into its queue, if it has one; see :meth:`Doorkeeper.enter`."""
        if (entering := self._doorkeeper.enter(row, entries)) is not None:
            entered = await asyncio.shield(entering)
            if entered.verdict == "created":
                self._reporter.created(row)
            return entered
        return Entered("created" if await self.create(row, entries) else "known", row.id)

    async def opened(self, execution_id: str) -> None:
        """Wait while the execution is about to be live."""
        await self._present.opened(execution_id)

    async def _take(self, rows: Sequence[ExecutionRow]) -> None:
        """Drive what was claimed."""
        for start in range(0, len(rows), _READ_AT_ONCE):
            part = rows[start : start + _READ_AT_ONCE]
            await self._take_part({row.id: row.epoch for row in part if not self._present.has_live(row)})

    async def _take_part(self, epochs: Mapping[str, int]) -> None:
        with self._present.opening(*epochs):
            load = partial(self._store.load_all, tuple(epochs))
            for journal in await self._tools.patience.outlast("reading journals", load):
                row = journal.row
                if (row.owner, row.epoch) != (self.owner, epochs[row.id]):  # another worker took it over meanwhile
                    continue
                if (executor := self._admit(journal)) is not None:
                    self._drive(executor)

    async def _load(self, claimed: ExecutionRow) -> Executor | None:
        """Make the executor of a claimed execution, or write down what it lacks.

        Raises:
            StaleOwnerError: If it was taken from us since: its journal as it is now is not ours to go on with.
        """
        journal = await self._read(claimed.id)
        if journal is None:
            return None
        if (journal.row.owner, journal.row.epoch) != (claimed.owner, claimed.epoch):
            raise StaleOwnerError(f"{claimed.id} was taken over by another worker.")
        return self._admit(journal)

    async def _read(self, execution_id: str) -> Journal | None:
        return await self._tools.patience.outlast("reading the journal", lambda: self._store.load(execution_id))

    def lacks(self, row: ExecutionRow) -> str:
        """Return why nobody can drive an execution on that has not ended, or an empty string."""
        if row.status.ended or row.stranded or row.owner not in {"", self.owner}:
            return row.stranded
        if self._limits.executions and self._registry.find(row.workflow, row.plan_hash) is None:
            return _no_plan(row)
        return self._stuck.get(row.id, "")

    def hopeless(self, row: ExecutionRow) -> str:
        """Return why it is in vain to wait for an execution's end, or an empty string.

        In a store that workers share, a plan that is not known here may be known to another one.
        """
        return self.lacks(row) if row.stranded or row.id in self._stuck or not self._store.shared else ""

    def _admit(self, journal: Journal) -> Executor | None:
        """Make an execution live, or write down what it lacks."""
        row = journal.row
        plan = self._registry.find(row.workflow, row.plan_hash)
        if plan is None:
            self._strand(row, _no_plan(row))
            return None
        try:
            executor = Executor(Run(journal, plan, self._tools), self)
        except WorkflowError as error:  # a journal that makes no sense: the others must be recovered all the same
            self._strand(row, str(error))
            return None
        self._stuck.pop(row.id, None)
        self._live[row.id] = executor
        self._reporter.claimed(journal)
        for message in journal.messages:
            executor.take(message)
        self._waiters.stir(row.id)
        return executor

    def _strand(self, row: ExecutionRow, lacking: str) -> None:
        """Let go of an execution that cannot be driven on, until somebody mends that and retries it."""
        _log.warning("execution %s is stranded: %s", row.id, lacking)
        self._reporter.stranded(row, lacking)
        release = Release(None, row.messages, lacking)
        written = self._tools.writer.submit(Commit(row.id, row.epoch, release=release))
        self._stuck[row.id] = lacking
        self._present.open(row.id, written, lambda _: self._stranded(row.id, written.exception()))

    def _stranded(self, execution_id: str, error: BaseException | None) -> None:
        if error is None or isinstance(error, StaleOwnerError):
            self._stuck.pop(execution_id, None)  # the store knows it; else not even that could be written
            self._dispatcher.nudge()
        self._waiters.stir(execution_id)

    def _drive(self, executor: Executor, turn: Turn | None = None, *, again: bool = False) -> None:
        coroutine = self._drive_to_end(executor, turn, again=again)
        self._tasks.spawn(coroutine, name=f"execution {executor.run.row.id}")

    async def _drive_to_end(self, executor: Executor, turn: Turn | None, *, again: bool) -> None:
        execution_id = executor.run.row.id
        try:
            outcome = await executor.drive(turn, again=again)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not take the other executions down
            self._forget(executor, "lost" if isinstance(error, StaleOwnerError) else "stranded")
            self._give_up(executor, error)
        else:
            self._forget(executor, "ended" if outcome else "resting")
            if not executor.done.done():
                executor.done.set_result(outcome)
            self._pass_on(executor, outcome)
        self._waiters.stir(execution_id)
        self._dispatcher.freed()
        if executor.run.row.queue:  # others may have waited for its slot, or for its place here
            self._dispatcher.nudge()

    def _forget(self, executor: Executor, cause: str) -> None:
        if self._present.forget(executor):
            self._reporter.let_go(executor.run.row, cause)

    def _give_up(self, executor: Executor, error: Exception) -> None:
        row = executor.run.row
        if isinstance(error, StaleOwnerError):
            _log.warning("execution %s was taken over by another worker", row.id)
        elif not self._closed:
            if not isinstance(error, WorkflowError):
                _log.exception("execution %s met a fault of the engine", row.id)
            self._strand(row, str(error) or repr(error))
        if not executor.done.done():
            executor.done.set_exception(error)
        self._tools.feed.give_up(row.id, error)

    def _pass_on(self, executor: Executor, outcome: Outcome | None) -> None:
        """Have those told that it concerns: the execution has ended, or it only waits."""
        row = executor.run.row
        if outcome is None:
            wakes_at = executor.wakes_at
            if wakes_at is not None:
                self._dispatcher.nudge(wakes_at)
                if self._tools.draining.is_set():
                    self._announcer.add("ready")
            return
        self.on_end(row)
        self._announcer.add(f"ended {row.id}", urgent=row.epoch > 1)  # else whoever waits does so here, as a rule
        if row.queue:
            self._announcer.add("ready")
        if not row.parent_id:
            return
        if (parent := self._live.get(row.parent_id)) is not None:
            parent.run.child_ended(row.parent_step)
        else:
            self._dispatcher.nudge()
            self._announcer.add("ready")

    async def _begin_anew(self, lost: str) -> None:
        """Others own everything by now: drop it, and begin anew under another name; once, whoever finds out first."""
        async with self._anew:
            if self.owner == lost:
                self._reporter.lost(lost, len(self._live))
                error = StaleOwnerError(f"{lost} was taken for dead; others go on with what it owned.")
                self._drop_all(error, "lost")
                await self._tools.patience.outlast("signing on", self._enlist)
                self._dispatcher.nudge()

    def _take_over(self, dead: Sequence[str]) -> None:
        self._reporter.reaped(dead)
        self._dispatcher.nudge()

    def _hear(self, notices: Collection[str]) -> None:
        """Take in what other workers announce."""
        for notice in notices:
            kind, _, execution_id = notice.partition(" ")
            if kind == "ready":
                self._dispatcher.nudge()
            elif kind == "ended":
                self._waiters.stir(execution_id)
            elif kind == "told" and execution_id in self._live:
                self._tasks.spawn(self._mailbox.collect(execution_id), name=f"messages of {execution_id}")

    def _look_around(self) -> None:
        """Find messages of which nobody told."""
        self._tasks.spawn(self._mailbox.look(self.owner), name="euryale-messages")

    async def join(self, execution_id: str) -> Outcome | None:
        """Return how an execution ended, when it has; None if nobody drives it here now.

        Raises:
            UnknownExecutionError: If there is none.
            UnknownWorkflowError: If it is stranded.
            EngineClosedError: If the engine is closed before.
        """
        await self.opened(execution_id)
        if (executor := self._live.get(execution_id)) is not None:
            with contextlib.suppress(StaleOwnerError):  # another worker goes on with it
                return await asyncio.shield(executor.done)
        if self._closed:
            raise EngineClosedError(_CLOSED)
        journal = await self._read(execution_id)
        if journal is None:
            raise UnknownExecutionError(f"No execution {execution_id!r}.")
        if journal.row.status.ended:
            return self.outcome(journal.row)
        if (lacking := self.hopeless(journal.row)) and not self.drives(execution_id):
            raise self.stranded_error(execution_id, lacking)
        return None

    async def stirred(self, execution_id: str) -> None:
        """Return when an execution that nobody drives here is driven here, or may have ended."""
        if self.drives(execution_id):
            return
        with contextlib.suppress(TimeoutError):
            async with Limit(self._tools.clock, _LOOK_EVERY if self._store.shared else None):
                await asyncio.wait([self._waiters.future(execution_id)])

    async def ended(self, execution_id: str) -> Outcome:
        """Return how an execution ended, when it has, whoever drives it.

        Raises:
            WorkflowError: As :meth:`join` does.
        """
        while True:
            stirred = self._waiters.future(execution_id)  # before looking, so that nothing is missed between the two
            outcome = await self.join(execution_id)
            if outcome is not None:
                return outcome
            if not stirred.done():
                await self.stirred(execution_id)

    def stranded_error(self, execution_id: str, lacking: str) -> WorkflowError:
        """Return the error that tells why nobody drives an execution."""
        if self._closed:
            return EngineClosedError(_CLOSED)
        return UnknownWorkflowError(
            f"{execution_id} is stranded: {lacking.rstrip('.')}.",
            hint="Mend that (a plan: give the workflow to the engine), then engine.retry(id).",
        )

    def outcome(self, row: ExecutionRow) -> Outcome:
        """Return how an execution ended, from its row."""
        failure = None if row.error is None else self._tools.codec.decode(row.error, Failure, "an error")
        return Outcome(row, failure)

    async def journal(self, execution_id: str, *, after: int = 0) -> Journal:
        """Return what is written of an execution, with the entries after that number.

        Raises:
            UnknownExecutionError: If there is none.
        """
        await self.opened(execution_id)
        journal = await self._store.load(execution_id, after=after)
        if journal is None:
            raise UnknownExecutionError(f"No execution {execution_id!r}.")
        return journal

    async def plan(self, execution_id: str) -> Plan | None:
        """Return the plan of an execution, or None if it is not known here or there is no such execution."""
        if (run := self.run(execution_id)) is not None:
            return run.plan
        journal = await self._read(execution_id)
        return None if journal is None else self._registry.find(journal.row.workflow, journal.row.plan_hash)

    async def tell(self, message: Message) -> bool:
        """Keep a message durably and hand it to the execution; see :meth:`Mailbox.send`."""
        await self.opened(message.execution_id)
        return await self._mailbox.send(message)

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and be undone; False if it has ended, has turned, or was asked before."""
        return await self.tell(Message(execution_id, "cancel", "", b"null", self._tools.now()))

    async def revert(self, execution_id: str, *, again: bool) -> Outcome | None:
        """Undo an execution: cancel it if it runs, undo it if it has succeeded. None if it was never created."""
        while True:
            try:
                return await self._revert(execution_id, again=again)
            except StaleOwnerError:  # another worker has it: one that drains, say, and has let go of the parent before
                await pause(self._tools.clock, _LOOK_EVERY)

    async def _revert(self, execution_id: str, *, again: bool) -> Outcome | None:
        await self.opened(execution_id)
        if await self._read(execution_id) is None:
            return None
        await self.cancel(execution_id)
        outcome = await self.ended(execution_id)
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
        await self.opened(execution_id)
        if execution_id not in self._live:
            self._drive(await self._open_again(execution_id))

    async def _reopen(self, execution_id: str, turn: Turn | None) -> Outcome:
        await self.opened(execution_id)
        if execution_id not in self._live:
            self._drive(await self._open_again(execution_id), turn, again=turn is None)
        return await self.ended(execution_id)

    async def _open_again(self, execution_id: str) -> Executor:
        """Take an execution over anew and make it live."""
        journal = await self._read(execution_id)
        if journal is not None and self._registry.find(journal.row.workflow, journal.row.plan_hash) is None:
            raise self.stranded_error(execution_id, _no_plan(journal.row))
        with self._present.opening(execution_id):
            reclaim = partial(self._store.reclaim, execution_id, self.owner)
            row = await self._tools.patience.outlast("taking an execution over", reclaim)
            if row is None:
                raise UnknownExecutionError(f"No execution {execution_id!r}.")
            check_has_begun(row)
            if row.owner != self.owner:
                raise StaleOwnerError(f"{execution_id} is driven by {row.owner}.", hint="Ask there, or wait.")
            executor = await self._load(row)
        if executor is None:
            await self.opened(execution_id)
            raise self.stranded_error(execution_id, self.lacks(row))
        return executor


def _no_plan(row: ExecutionRow) -> str:
    return f"no plan {row.plan_hash} of {row.workflow!r} version {row.version} is registered"
