"""The rows of new executions."""

from euryale.workflows.definition.plan import Plan
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import Status


def new_row(
    plan: Plan,
    execution_id: str,
    value: bytes,
    now: float,
    *,
    owner: str = "",
    available_at: float | None = None,
    priority: int = 0,
) -> ExecutionRow:
    """Return the row of a new execution on its own.

    Args:
        plan: What it does.
        execution_id: Its id.
        value: Its input, encoded.
        now: Seconds since the epoch.
        owner: Who creates and drives it at once; empty: it waits for whoever claims it.
        available_at: When it may be claimed, in seconds since the epoch; default: now.
        priority: Who is claimed first: the highest.
    """
    return ExecutionRow(
        id=execution_id,
        workflow=plan.name,
        version=plan.version,
        plan_hash=plan.hash,
        status=Status.RUNNING if owner else Status.PENDING,
        created_at=now,
        input=value,
        root_id=execution_id,
        owner=owner,
        retention=plan.retention,
        priority=priority,
        available_at=None if owner else now if available_at is None else available_at,
        started_at=now if owner else None,
    )
