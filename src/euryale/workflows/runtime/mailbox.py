"""The mailbox: messages for executions, from this process and from others."""

import contextlib
from collections.abc import Callable

from msgspec.structs import replace

from euryale.workflows.errors import StoreError, no_execution
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Message
from euryale.workflows.requests import Told
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.fleet import Announcer
from euryale.workflows.runtime.journals import Journals
from euryale.workflows.runtime.patience import Patience

Find = Callable[[str], Executor | None]


class Mailbox:
    """Keeps messages durably, and hands them to executions that are live here.

    Args:
        store: Where they are kept.
        patience: With a store that is away.
        journals: What is written of executions.
        announcer: Tells other workers.
        live: Gives the executor of an execution that is live here.
        ready: Called when an execution that nobody owns was told something.
    """

    def __init__(
        self,
        store: Store,
        patience: Patience,
        journals: Journals,
        announcer: Announcer,
        *,
        live: Find,
        ready: Callable[[], None],
    ) -> None:
        self._store = store
        self._patience = patience
        self._journals = journals
        self._announcer = announcer
        self._live = live
        self._ready = ready

    async def send(self, message: Message) -> bool:
        """Keep a message durably and hand it to the execution.

        Returns:
            False if it had one of that kind, step and key, has ended, or has turned.

        Raises:
            UnknownExecutionError: If there is no such execution.
        """
        execution_id = message.execution_id
        told = await self._patience.outlast("keeping a message", lambda: self._store.post(message))
        if told is None:
            raise no_execution(execution_id)
        if not told.number:
            return False
        return self.pass_on(message, told)

    def pass_on(self, message: Message, told: Told) -> bool:
        """Hand a message that was kept to the execution, wherever it is; return whether it came in time."""
        if (executor := self._live(message.execution_id)) is not None:
            return executor.take(replace(message, number=told.number))
        if told.owner:
            self._announcer.add(f"told {message.execution_id}")
        else:
            self.tell_all()
        return True

    async def remind(self, execution_id: str) -> None:
        """Have an execution told what was kept for it already, wherever it is."""
        if self._live(execution_id) is not None:
            await self.collect(execution_id)
            return
        self._announcer.add(f"told {execution_id}")
        self.tell_all()

    def tell_all(self) -> None:
        """Have every worker look for what is due, this one included."""
        self._ready()
        self._announcer.add("ready")

    async def collect(self, execution_id: str) -> None:
        """Hand over the messages that others kept for an execution that is live here."""
        journal = await self._journals.read(execution_id)
        executor = self._live(execution_id)
        if journal is not None and executor is not None:
            for message in journal.messages:
                executor.take(message)

    async def look(self, owner: str) -> None:
        """Hand over what nobody told of."""
        with contextlib.suppress(StoreError):  # the next turn comes
            for execution_id, messages in (await self._store.told(owner)).items():
                executor = self._live(execution_id)
                if executor is not None and executor.run.seen < messages:
                    await self.collect(execution_id)
