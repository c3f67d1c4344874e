"""Handing over: what this worker drives no more is the business of others."""

import asyncio
from collections.abc import Callable

from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.runtime.children import Outcome
from euryale.workflows.runtime.dispatcher import Dispatcher
from euryale.workflows.runtime.executor import Executor
from euryale.workflows.runtime.fleet import Announcer
from euryale.workflows.runtime.presence import Presence


class Handover:
    """Tells those whom it concerns that an execution is not driven here any more.

    Args:
        presence: The executions that are here.
        dispatcher: Claims what this worker goes on with.
        announcer: Tells other workers.
        draining: Whether this worker takes on nothing more.
        on_end: Told each execution that has ended here.
    """

    def __init__(
        self,
        presence: Presence,
        dispatcher: Dispatcher,
        announcer: Announcer,
        draining: asyncio.Event,
        on_end: Callable[[ExecutionRow], None],
    ) -> None:
        self._present = presence
        self._dispatcher = dispatcher
        self._announcer = announcer
        self._draining = draining
        self._on_end = on_end

    def expect(self, row: ExecutionRow) -> None:
        """Have an execution claimed that nobody owns, by whoever has room."""
        self._dispatcher.nudge(row.available_at)
        self._announcer.add("ready")

    def pass_on(self, executor: Executor, outcome: Outcome | None) -> None:
        """Have those told that it concerns: the execution has ended, or it only waits."""
        row = executor.run.row
        if outcome is None:
            self._rests(executor.wakes_at)
            return
        self._on_end(row)
        self._announcer.add(f"ended {row.id}", urgent=row.epoch > 1)  # else whoever waits does so here, as a rule
        if row.queue:
            self._announcer.add("ready")
        if row.parent_id:
            self._tell_parent(row)

    def _rests(self, wakes_at: float | None) -> None:
        if wakes_at is not None:
            self._dispatcher.nudge(wakes_at)
            if self._draining.is_set():
                self._announcer.add("ready")

    def _tell_parent(self, row: ExecutionRow) -> None:
        if (parent := self._present.live.get(row.parent_id)) is not None:
            parent.run.child_ended(row.parent_step)
        else:
            self._dispatcher.nudge()
            self._announcer.add("ready")

    def freed(self, row: ExecutionRow) -> None:
        """Have others go on that waited for the execution, or for its place."""
        self._present.waiters.stir(row.id)
        self._dispatcher.freed()
        if row.queue:  # others may have waited for its slot, or for its place here
            self._dispatcher.nudge()
