"""What is written of executions, read with patience for a store that is away."""

from collections.abc import Collection
from functools import partial

from euryale.workflows.definition.plan import Plan
from euryale.workflows.errors import no_execution
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import ExecutionRow, Journal
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.presence import Presence
from euryale.workflows.runtime.registry import Registry


class Journals:
    """Reads journals, and takes over what they are of.

    Args:
        store: Where they are.
        patience: With the store.
        registry: The plans that are known.
        presence: The executions that are here.

    Attributes:
        shared: Whether other workers write there, too.
    """

    def __init__(self, store: Store, patience: Patience, registry: Registry, presence: Presence) -> None:
        self._store = store
        self._patience = patience
        self._registry = registry
        self._present = presence
        self.shared = store.shared

    async def get(self, execution_id: str, *, after: int = 0) -> Journal:
        """Return what is written of an execution, with the entries after that number; at once, or not at all.

        Raises:
            UnknownExecutionError: If there is none.
            StoreError: If the store is away.
        """
        await self._present.opened(execution_id)
        journal = await self._store.load(execution_id, after=after)
        if journal is None:
            raise no_execution(execution_id)
        return journal

    async def read(self, execution_id: str) -> Journal | None:
        """Return what is written of an execution, or None if there is none."""
        return await self._patience.outlast("reading the journal", partial(self._store.load, execution_id))

    async def read_all(self, execution_ids: Collection[str]) -> tuple[Journal, ...]:
        """Return what is written of those that there are."""
        return await self._patience.outlast("reading journals", partial(self._store.load_all, tuple(execution_ids)))

    async def reclaim(self, execution_id: str) -> ExecutionRow:
        """Take an execution over anew, if no other worker owns it; return its row as it is then.

        Raises:
            UnknownExecutionError: If there is none.
        """
        reclaim = partial(self._store.reclaim, execution_id, self._present.owner)
        row = await self._patience.outlast("taking an execution over", reclaim)
        if row is None:
            raise no_execution(execution_id)
        return row

    async def plan(self, execution_id: str) -> Plan | None:
        """Return the plan of an execution, or None if it is not known here or there is no such execution."""
        if (executor := self._present.live.get(execution_id)) is not None:
            return executor.run.plan
        journal = await self.read(execution_id)
        return None if journal is None else self._registry.find(journal.row.workflow, journal.row.plan_hash)
