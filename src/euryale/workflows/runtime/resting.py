"""Rest: an execution of which every strand only waits is written down and let go of, so that it takes no memory."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from euryale.kit.clock import pause_until
from euryale.workflows.record.entry import Release, StatusChange
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.lanes import Lane, Lanes
from euryale.workflows.runtime.run import Run

T = TypeVar("T")

_AT_ONCE = 0.0


class Resting:
    """Decides when an execution is let go of.

    Args:
        run: The execution.
        lanes: Its strands.

    Attributes:
        draining: Says whether lanes are to end :meth:`between_steps`.
        released: Given once it is let go of: nothing more may be written for it.
    """

    def __init__(self, run: Run, lanes: Lanes) -> None:
        self._run = run
        self._lanes = lanes
        self.draining = run.tools.draining.is_set
        self.released: Release | None = None

    async def begin(self, lane: Lane, due: float | None) -> None:
        """Let a lane only wait, and write what was noted. If now every lane waits for long, let go of the execution.

        Args:
            lane: The lane; :meth:`end` it when it goes on.
            due: When it goes on by itself, in seconds since the epoch; None: when it is told something.
        """
        lane.rest(due)
        self.look()
        if self._run.has_news:
            await self._run.flush(self._change())

    async def end(self, lane: Lane) -> None:
        """Let a lane go on. If the execution was let go of, this does not return: whoever claims it goes on."""
        if self.released is not None:
            await asyncio.get_running_loop().create_future()
        lane.awake()

    async def between_steps(self, lane: Lane) -> None:
        """If the worker is draining, let the lane end here: whoever claims the execution begins with what follows."""
        if self.draining():
            await self.begin(lane, _AT_ONCE)
            await asyncio.get_running_loop().create_future()

    async def unless_draining(self, lane: Lane, waiting: Coroutine[Any, Any, T]) -> T:
        """Return what is awaited; if the worker drains before, it is cancelled, and the lane ends here."""
        task = asyncio.ensure_future(waiting)
        drained = asyncio.ensure_future(self._run.tools.draining.wait())
        try:
            await asyncio.wait([task, drained], return_when=asyncio.FIRST_COMPLETED)
        finally:
            drained.cancel()
            interrupted = task.cancel()
            await asyncio.wait([task])
        if interrupted:
            await self.between_steps(lane)
        return task.result()

    async def until(self, lane: Lane, due: float | None) -> None:
        """Let a lane wait until a moment; at once if that is over, or None."""
        if due is not None and due > self._run.tools.now():
            await self.begin(lane, due)
            await pause_until(self._run.tools.clock, due)
            await self.end(lane)

    def look(self) -> None:
        """Let go of the execution if every lane waits for long."""
        if self.released is not None or self._lanes.ending or not self._lanes.resting:
            return
        if any(lane.due is None and lane.vertex.id in self._run.ended_children for lane in self._lanes.all):
            return  # what such a lane waits for is there: it was woken, and goes on in a moment
        wake = self._wake_at()
        if wake is not None and self._is_kept_until(wake) and not self.draining():
            return
        self.released = Release(wake, self._run.seen)
        self._run.commit(self._change(), release=self.released).add_done_callback(self._written)

    def _change(self) -> StatusChange | None:
        """Return the change of status that follows from what the lanes do, if any."""
        status = self._run.row.status
        if not status.going_forward:
            return None
        wanted = Status.WAITING if self._lanes.resting else Status.RUNNING
        return StatusChange(wanted) if wanted is not status else None

    def _is_kept_until(self, wake: float) -> bool:
        tools = self._run.tools
        return tools.keeping.is_set() or wake - tools.now() < tools.rest_after

    def _written(self, written: asyncio.Future[None]) -> None:
        self._lanes.end(written.exception())

    def _wake_at(self) -> float | None:
        wake, deadline = self._lanes.wake_at(), self._run.deadline
        if deadline is None or not self._run.row.status.going_forward:
            return wake
        return deadline if wake is None else min(wake, deadline)
