"""The worker: the executions that are live in this process."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from euryale.kit.ids import new_id
from euryale.kit.lifecycle import Tasks
from euryale.workflows.errors import StaleOwnerError, StoreError
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, Journal, Message
from euryale.workflows.requests import Entered
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.dispatcher import Dispatcher
from euryale.workflows.runtime.doorkeeper import Doorkeeper
from euryale.workflows.runtime.draining import until_none
from euryale.workflows.runtime.driver import Driver
from euryale.workflows.runtime.dues import Dues
from euryale.workflows.runtime.fleet import Announcer, Membership
from euryale.workflows.runtime.handover import Handover
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.mailbox import Mailbox
from euryale.workflows.runtime.outcomes import Outcomes
from euryale.workflows.runtime.presence import Presence, closed_error
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.reopening import Reopening
from euryale.workflows.runtime.reporter import Reporter
from euryale.workflows.runtime.run import Run, Tools
from euryale.workflows.runtime.stranding import Stranding

_log = logging.getLogger("euryale.workflows")
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

    Args:
        store: Where executions are written.
        registry: The plans and queues that are known.
        tools: What executions share.
        limits: What it takes on.
        on_end: Told each execution that has ended here.

    Attributes:
        journals: What is written of executions.
        stranding: What they lack.
        outcomes: How they end.
        reopening: Goes on with those that have ended, or are stranded.
    """

    def __init__(
        self, store: Store, registry: Registry, tools: Tools, limits: Limits, on_end: Callable[[ExecutionRow], None]
    ) -> None:
        self._store = store
        self._tools = tools
        self._limits = limits
        self._tasks = Tasks()
        self._reporter = reporter = Reporter(tools.telemetry, tools.clock)
        self._present = present = Presence(reporter)
        self._live = present.live
        tools.writer.alone = lambda: len(present) <= 1
        self._announcer = Announcer(store, tools.clock)
        self._dispatcher = Dispatcher(store, tools.clock, tools.patience, registry, room=self._room, take=self._take)
        self._dues = Dues(store, tools.clock, tools.patience, self._dispatcher.nudge)
        self._handover = Handover(present, self._dispatcher, self._announcer, tools.draining, on_end)
        self.journals = Journals(store, tools.patience, registry, present)
        self._mailbox = Mailbox(
            store, tools.patience, self.journals, self._announcer, live=self._live.get, ready=self._dispatcher.nudge
        )
        self._doorkeeper = Doorkeeper(
            store, registry.queues, self._mailbox, tools, expect=self._handover.expect, look=self._look_around
        )
        self._membership = Membership(
            store,
            tools.clock,
            limits.lease,
            reaped=self._take_over,
            lost=self._begin_anew,
            looked=self._look_around,
        )
        self.stranding = Stranding(
            registry,
            tools.writer,
            present,
            reporter,
            claims=bool(limits.executions),
            shared=store.shared,
            ready=self._dispatcher.nudge,
        )
        self.outcomes = Outcomes(self.journals, present, self.stranding, tools)
        self._driver = Driver(registry, tools, present, self.stranding, self._handover, self, self._tasks)
        self.reopening = Reopening(
            self.journals, present, self.stranding, self._driver, self.outcomes, clock=tools.clock, cancel=self.cancel
        )
        self._unlisten: Callable[[], None] | None = None
        self._anew = asyncio.Lock()
        self._driving = True

    @property
    def owner(self) -> str:
        """The name under which it owns executions: a new one each time it starts, or was taken for dead."""
        return self._present.owner

    @property
    def has_room(self) -> bool:
        """Whether it would drive one more execution at once."""
        return self._room() > 0

    def _room(self) -> int:
        if self._tools.draining.is_set() or not self._driving:
            return 0
        return max(0, self._limits.executions - self._present.places)

    async def start(self, *, driving: bool = True) -> None:
        """Become a worker, and take over what has something to do and is owned by nobody.

        Args:
            driving: Whether it does; if not, it drives only what it is asked to retry.

        Raises:
            StoreError: If the store cannot be used.
        """
        self._tools.patience.begin()
        self._tools.draining.clear()
        self.stranding.begin()
        self._present.closed, self._driving = False, driving
        (self._tools.keeping.clear if driving else self._tools.keeping.set)()
        await self._enlist()
        self._unlisten = self._store.listen(self._hear)
        if self._limits.executions and driving:
            await self._dispatcher.look()
            self._tasks.spawn(self._dispatcher.run(), name="euryale-dispatcher")
            self._tasks.spawn(self._dues.run(), name="euryale-dues")
        if self._store.shared:
            self._tasks.spawn(self._membership.run(), name="euryale-membership")
            self._tasks.spawn(self._announcer.run(), name="euryale-announcer")

    async def _enlist(self) -> None:
        await self._membership.join(f"{socket.gethostname()}:{os.getpid()}:{new_id('worker')}")
        self._present.owner = self._dispatcher.owner = self._membership.owner

    async def stop(self) -> None:
        """Stop driving, whatever the executions are at; whoever claims them next goes on from the journal."""
        was_open, self._present.closed = not self._present.closed, True
        self._tools.patience.end()
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        await self._tasks.stop()
        await self._doorkeeper.drain()
        await self._tools.writer.drain()
        self._present.drop_all(closed_error(), "closed")
        self._tools.feed.close(closed_error())
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
        writer, commit = self._tools.writer, Commit(row.id, row.epoch, entries, create=(row,))
        try:
            if writer.write_now(commit, lone=True):
                self._created(row, entries)
                await writer.give_way()
            else:
                await asyncio.shield(self.launch(row, writer.submit(commit, lone=True), entries))
        except StaleOwnerError:
            if not row.owner or await self.journals.read(row.id) is not None:
                return False
            await self._begin_anew(row.owner)  # nothing has that id: the store does not know us any more
            return await self.create(replace(row, owner=self.owner), entries)
        return True

    def scheduled(self, created: ExecutionRow | None, cancelled: Collection[str], *, look: bool = False) -> None:
        """Have executions driven that a schedule created and cancelled; ``look``: it may have cancelled others, too."""
        if created is not None:
            self._reporter.created(created)
            self._handover.expect(created)
        for each in cancelled:
            self._tasks.spawn(self._pass_on_to(each), name=f"messages of {each}")
        if look:
            self._look_around()
            self._mailbox.tell_all()

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
        if written.exception() is None:
            self._created(row, entries)

    def _created(self, row: ExecutionRow, entries: tuple[Entry, ...]) -> None:
        """Drive an execution that has just become durable, or have it driven."""
        self._reporter.created(row)
        if self._present.closed:
            return
        if not row.owner:
            self._handover.expect(row)
        elif row.owner == self.owner:
            self._driver.take(Journal(row, entries))

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
            for journal in await self.journals.read_all(epochs):
                row = journal.row
                if (row.owner, row.epoch) == (self.owner, epochs[row.id]):  # else another worker took it over meanwhile
                    self._driver.take(journal)

    async def _begin_anew(self, lost: str) -> None:
        """Others own everything by now: drop it, and begin anew under another name; once, whoever finds out first."""
        async with self._anew:
            if self.owner == lost:
                self._reporter.lost(lost, len(self._live))
                error = StaleOwnerError(f"{lost} was taken for dead; others go on with what it owned.")
                self._present.drop_all(error, "lost")
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
                self._present.waiters.stir(execution_id)
            elif kind == "told" and execution_id in self._live:
                self._tasks.spawn(self._mailbox.collect(execution_id), name=f"messages of {execution_id}")

    def _look_around(self) -> None:
        """Find messages of which nobody told."""
        self._tasks.spawn(self._mailbox.look(self.owner), name="euryale-messages")

    async def join(self, execution_id: str) -> Outcome | None:
        """See :meth:`Outcomes.join`."""
        return await self.outcomes.join(execution_id)

    async def messages(self, row: ExecutionRow) -> tuple[Message, ...]:
        """Return all that an execution was told that this worker drives.

        Raises:
            StaleOwnerError: If another worker has taken it over.
        """
        journal = await self.journals.read(row.id)
        if journal is None or (journal.row.owner, journal.row.epoch) != (row.owner, row.epoch):
            raise StaleOwnerError(f"{row.id} was taken over by another worker.")
        return journal.messages

    async def stirred(self, execution_id: str) -> None:
        """See :meth:`Outcomes.stirred`."""
        await self.outcomes.stirred(execution_id)

    async def revert(self, execution_id: str, *, parent: str, again: bool) -> Outcome | None:
        """See :meth:`Children.revert` and :meth:`Reopening.revert`."""
        with self._present.aside(parent):
            self._dispatcher.freed()
            return await self.reopening.revert(execution_id, again=again)

    async def tell(self, message: Message) -> bool:
        """Keep a message durably and hand it to the execution; see :meth:`Mailbox.send`."""
        await self.opened(message.execution_id)
        return await self._mailbox.send(message)

    async def cancel(self, execution_id: str) -> bool:
        """Ask an execution to end and be undone; False if it has ended, has turned, or was asked before."""
        return await self.tell(Message(execution_id, "cancel", "", b"null", self._tools.now()))
