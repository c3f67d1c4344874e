"""Reports what a worker does with executions; :mod:`~euryale.workflows.runtime.reports` says what each report means."""

from collections.abc import Collection

from msgspec.structs import replace

from euryale.kit.clock import Clock
from euryale.kit.telemetry import Telemetry
from euryale.workflows.record.entry import ExecutionRow, Journal
from euryale.workflows.record.states import Status
from euryale.workflows.runtime import reports


def traced(telemetry: Telemetry, row: ExecutionRow) -> ExecutionRow:
    """Return the row of a new execution with the trace context that a listener gives it; if none does, as it is."""
    if not telemetry.is_heard:
        return row
    carrier: dict[str, str] = {}
    telemetry.report(reports.STARTING, **_family(row), carrier=carrier)
    return replace(row, trace=carrier["traceparent"]) if "traceparent" in carrier else row


class Reporter:
    """Tells telemetry which executions a worker drives.

    Args:
        telemetry: Who is told.
        clock: The time.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    def created(self, row: ExecutionRow) -> None:
        """An execution is durable."""
        if not self._telemetry.is_heard:
            return
        self._telemetry.report(reports.CREATED, **_family(row), queue=row.queue, version=row.version)

    def claimed(self, journal: Journal) -> None:
        """This worker begins to drive an execution."""
        if not self._telemetry.is_heard:
            return
        row = journal.row
        self._telemetry.report(
            reports.CLAIMED,
            **_held(row),
            trace=row.trace,
            queue=row.queue,
            first=not journal.last_worker,
            waited=self._waited(row),
            former=journal.last_worker if journal.last_worker != row.owner else "",
            compensating=row.status is Status.COMPENSATING,
        )

    def _waited(self, row: ExecutionRow) -> float | None:
        if row.available_at is None:  # whoever created it drives it
            return 0.0
        return max(0.0, self._clock.timestamp() - row.available_at) if row.available_at else None

    def let_go(self, row: ExecutionRow, cause: str) -> None:
        """This worker does not drive an execution any more."""
        if not self._telemetry.is_heard:
            return
        self._telemetry.report(reports.LET_GO, **_held(row), cause=cause, status=row.status.value)

    def stranded(self, row: ExecutionRow, lacking: str) -> None:
        """Nobody here can drive an execution on."""
        self._telemetry.report(reports.STRANDED, execution=row.id, workflow=row.workflow, lacking=lacking)

    def lost(self, worker: str, executions: int) -> None:
        """This worker was taken for dead."""
        self._telemetry.report(reports.WORKER_LOST, worker=worker, executions=executions)

    def reaped(self, workers: Collection[str]) -> None:
        """Other workers were found dead."""
        self._telemetry.report(reports.WORKERS_REAPED, workers=tuple(workers))


def _family(row: ExecutionRow) -> dict[str, str]:
    return {
        "execution": row.id,
        "workflow": row.workflow,
        "root": row.root_id,
        "parent": row.parent_id,
        "step": row.parent_step,
    }


def _held(row: ExecutionRow) -> dict[str, str | int]:
    return {**_family(row), "worker": row.owner, "epoch": row.epoch}
