"""The rows of new executions."""

from msgspec.structs import replace

from euryale.workflows.definition.plan import Plan
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.states import Status


def new_row(plan: Plan, execution_id: str, value: bytes, now: float) -> ExecutionRow:
    """Return the row of a new execution on its own, which nobody drives yet.

    Args:
        plan: What it does.
        execution_id: Its id.
        value: Its input, encoded.
        now: Seconds since the epoch; it may be claimed from then on.
    """
    return ExecutionRow(
        id=execution_id,
        workflow=plan.name,
        version=plan.version,
        plan_hash=plan.hash,
        status=Status.PENDING,
        created_at=now,
        input=value,
        root_id=execution_id,
        available_at=now,
        retention=plan.retention,
    )


def begun_by(owner: str, row: ExecutionRow) -> ExecutionRow:
    """Return the row of a new execution that its creator drives at once."""
    return replace(row, status=Status.RUNNING, owner=owner, available_at=None, started_at=row.created_at)
