"""The way of a new execution into a queue where others decide whether it may, or are told to end."""

import asyncio
from collections.abc import Callable

from euryale.workflows.ports import JournalStore
from euryale.workflows.record.entry import Entry, ExecutionRow
from euryale.workflows.requests import Entered, Entrance
from euryale.workflows.runtime.mailbox import Mailbox
from euryale.workflows.runtime.queues import Queues, rejection, terms_of
from euryale.workflows.runtime.run import Tools


class Doorkeeper:
    """Lets executions into queues where others decide whether they may, or are told.

    Args:
        store: Where that is decided.
        queues: The queues that are known.
        mailbox: Hands over what others are told.
        tools: What every execution shares.
        expect: Called with an execution that waits in its queue now.
        look: Called to look for messages of which nobody told.
    """

    def __init__(
        self,
        store: JournalStore,
        queues: Queues,
        mailbox: Mailbox,
        tools: Tools,
        *,
        expect: Callable[[ExecutionRow], None],
        look: Callable[[], None],
    ) -> None:
        self._store = store
        self._queues = queues
        self._mailbox = mailbox
        self._tools = tools
        self._expect = expect
        self._look = look
        self._entering: set[asyncio.Task[Entered]] = set()

    def enter(self, row: ExecutionRow, entries: tuple[Entry, ...]) -> asyncio.Task[Entered] | None:
        """Create an execution in its queue, or tell why it is none, whatever becomes of the caller.

        Args:
            row: The execution, as :func:`queued` gives it.
            entries: What its journal begins with.

        Returns:
            What came of it; its exception is a ``QueueRejectedError`` if others have its key, and the queue rejects.
            None if nobody else decides, and it is created as any other.
        """
        terms = terms_of(row, self._queues.find(row.queue), self._tools.codec)
        if terms is None:
            return None
        coroutine = self._enter(row, Entrance.on(terms, row, entries))
        task = asyncio.get_running_loop().create_task(coroutine, name=f"entrance of {row.id}")
        self._entering.add(task)
        task.add_done_callback(self._is_through)
        return task

    def _is_through(self, task: asyncio.Task[Entered]) -> None:
        self._entering.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that was cancelled does not look at it

    async def drain(self) -> None:
        """Wait until all that is entering is through, or has failed."""
        while self._entering:
            await asyncio.wait(tuple(self._entering))

    async def _enter(self, row: ExecutionRow, entrance: Entrance) -> Entered:
        entered = await self._enter_patiently(entrance)
        if entered.verdict == "rejected":
            raise rejection(row, entered.execution_id)
        for message, told in entered.told:
            self._mailbox.pass_on(message, told)
        self._expect(row)
        return entered

    async def _enter_patiently(self, entrance: Entrance) -> Entered:
        """Enter, also while the store is away. If an answer was lost, so was who is told what: look for that."""
        attempts = 0

        async def attempt() -> Entered:
            nonlocal attempts
            attempts += 1
            return await self._store.enter(entrance)

        entered = await self._tools.patience.outlast("entering a queue", attempt)
        if attempts > 1:
            self._look()
            self._mailbox.tell_all()
        return entered
