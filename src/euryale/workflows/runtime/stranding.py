"""Stranding: executions that nobody can drive on until somebody mends what they lack."""

import logging
from collections.abc import Callable

from euryale.workflows.errors import StaleOwnerError, UnknownWorkflowError, WorkflowError
from euryale.workflows.record.entry import Commit, ExecutionRow, Release
from euryale.workflows.runtime.presence import Presence, closed_error
from euryale.workflows.runtime.registry import Registry
from euryale.workflows.runtime.reporter import Reporter
from euryale.workflows.runtime.writer import Writer

_log = logging.getLogger("euryale.workflows")


class Stranding:
    """Knows what executions lack, and lets go of those that lack something.

    Args:
        registry: The plans that are known.
        writer: Writes down what they lack.
        presence: The executions that are here.
        reporter: Is told which are stranded.
        claims: Whether this worker claims executions: then what it does not know the plan of lacks that.
        shared: Whether there are other workers, who may know more plans.
        ready: Called when others may have become due.
    """

    def __init__(
        self,
        registry: Registry,
        writer: Writer,
        presence: Presence,
        reporter: Reporter,
        *,
        claims: bool,
        shared: bool,
        ready: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._writer = writer
        self._present = presence
        self._reporter = reporter
        self._claims = claims
        self._shared = shared
        self._ready = ready
        self._stuck: dict[str, str] = {}

    def begin(self) -> None:
        """Know of nothing yet that could not be written down."""
        self._stuck.clear()

    def lacks(self, row: ExecutionRow) -> str:
        """Return why nobody can drive an execution on that has not ended, or an empty string."""
        if row.status.ended or row.stranded or row.owner not in {"", self._present.owner}:
            return row.stranded
        if self._claims and self._registry.find(row.workflow, row.plan_hash) is None:
            return no_plan(row)
        return self._stuck.get(row.id, "")

    def hopeless(self, row: ExecutionRow) -> str:
        """Return why it is in vain to wait for an execution's end, or an empty string.

        In a store that workers share, a plan that is not known here may be known to another one.
        """
        return self.lacks(row) if row.stranded or row.id in self._stuck or not self._shared else ""

    def error(self, execution_id: str, lacking: str) -> WorkflowError:
        """Return the error that tells why nobody drives an execution."""
        if self._present.closed:
            return closed_error()
        return UnknownWorkflowError(
            f"{execution_id} is stranded: {lacking.rstrip('.')}.",
            hint="Mend that (a plan: give the workflow to the engine), then engine.retry(id).",
        )

    def check_plan(self, row: ExecutionRow) -> None:
        """Check that the plan of an execution is known here.

        Raises:
            UnknownWorkflowError: If it is not.
        """
        if self._registry.find(row.workflow, row.plan_hash) is None:
            raise self.error(row.id, no_plan(row))

    def strand(self, row: ExecutionRow, lacking: str) -> None:
        """Let go of an execution that cannot be driven on, until somebody mends that and retries it."""
        _log.warning("execution %s is stranded: %s", row.id, lacking)
        self._reporter.stranded(row, lacking)
        release = Release(None, row.messages, lacking)
        written = self._writer.submit(Commit(row.id, row.epoch, release=release))
        self._stuck[row.id] = lacking
        self._present.open(row.id, written, lambda _: self._stranded(row.id, written.exception()))

    def _stranded(self, execution_id: str, error: BaseException | None) -> None:
        if error is None or isinstance(error, StaleOwnerError):
            self.mended(execution_id)  # the store knows it; else not even that could be written
            self._ready()
        self._present.waiters.stir(execution_id)

    def mended(self, execution_id: str) -> None:
        """Take in that an execution lacks nothing, or that the store knows what."""
        self._stuck.pop(execution_id, None)


def no_plan(row: ExecutionRow) -> str:
    """Say what an execution lacks whose plan is not known."""
    return f"no plan {row.plan_hash} of {row.workflow!r} version {row.version} is registered"
