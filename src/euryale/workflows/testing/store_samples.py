"""Rows, commits and claims that the contracts of stores are made of."""

from collections.abc import Callable
from typing import Any

from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, Entry, ExecutionRow, StagedEvent
from euryale.workflows.record.states import EntryKind, Status
from euryale.workflows.requests import Claim

StoreFactory = Callable[[], Store]

REFUSED_FIRST = frozenset({0})
NONE_REFUSED: frozenset[int] = frozenset()
_OWNERS = ("w1", "w2", "w3")
READY: dict[str, Any] = {"owner": "", "available_at": 500.0}


def row(execution_id: str, **details: Any) -> ExecutionRow:
    """Return the row of a new execution."""
    values: dict[str, Any] = {
        "id": execution_id,
        "workflow": "shop",
        "version": 1,
        "plan_hash": "0123456789abcdef",
        "status": Status.RUNNING,
        "created_at": 1000.0,
        "input": b'{"item":"tea"}',
        "root_id": execution_id,
        "owner": "w1",
    }
    return ExecutionRow(**{**values, **details})


def create(execution_id: str, **details: Any) -> Commit:
    """Return the commit that creates an execution."""
    return Commit(execution_id, 1, create=(row(execution_id, **details),))


def entry(seq: int, **details: Any) -> Entry:
    """Return a journal entry."""
    values: dict[str, Any] = {"kind": EntryKind.STEP_SUCCEEDED, "at": 1000.0 + seq, "step": f"s{seq}", "attempt": 1}
    return Entry(seq, **{**values, **details})


def claim(owner: str, *, now: float = 1000.0, limit: int = 100) -> Claim:
    """Return what a worker asks for."""
    return Claim(owner, now, limit, frozenset({"0123456789abcdef"}))


def event(event_id: str, root_id: str, execution_id: str = "") -> StagedEvent:
    """Return an event to stage."""
    return StagedEvent(event_id, root_id, execution_id or root_id, "made", b'{"x":1}', 1001.0)


async def opened(new_store: StoreFactory) -> Store:
    """Return a store that is open, and knows the workers ``w1``, ``w2`` and ``w3``."""
    store = new_store()
    await store.open()
    for owner in _OWNERS:
        await store.enlist(owner, 60.0)
    return store
