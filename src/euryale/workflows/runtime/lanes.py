"""Lanes: the strands of an execution that go on at the same time, each along its own vertices."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from euryale.workflows.definition.graph import Vertex


class Items(Protocol):
    """Items that lanes work through."""

    def succeeded(self) -> None:
        """Count a success."""
        ...

    def tolerates(self) -> bool:
        """Count a failure; return whether it may be."""
        ...

    def following(self) -> list[Vertex]:
        """Return where a lane goes on whose item is done; nowhere ends it."""
        ...


class Lane:
    """One strand.

    Attributes:
        vertex: Where it is.
        idle: Whether it only waits: for the time of a retry, or for an answer from outside.
        due: While it only waits: when it goes on by itself, in seconds since the epoch, or None.
        interrupted: Whether it was asked to end.
        fan: The items that it works through, or None.
        task: What follows it: a task of its own, or that of whoever drives the execution.
    """

    __slots__ = ("_cancels", "due", "fan", "idle", "interrupted", "task", "vertex")

    def __init__(self, vertex: Vertex, fan: "Items | None" = None) -> None:
        self.vertex = vertex
        self.fan = fan
        self.idle = False
        self.due: float | None = None
        self.interrupted = False
        self.task: asyncio.Task[Any] | None = None
        self._cancels = 0

    def rest(self, due: float | None) -> None:
        """Only wait from now on; until ``due``, or until told something."""
        self.idle, self.due = True, due

    def awake(self) -> None:
        """Go on."""
        self.idle, self.due = False, None

    def interrupt(self) -> None:
        """Cancel what it does, and end it."""
        if self.task is not None and not self.interrupted:
            self.interrupted = True
            self.cancel()

    def cancel(self) -> None:
        """Cancel what it does; :meth:`go_on` if it does not end."""
        if self.task is not None:
            self._cancels += 1
            self.task.cancel()

    def go_on(self) -> bool:
        """Take in that it was cancelled; return whether its task is cancelled for another reason, too."""
        while self.task is not None and self._cancels:
            self._cancels -= 1
            self.task.uncancel()
        return self.task is not None and bool(self.task.cancelling())


Visit = Callable[[Lane], Awaitable[list[Vertex]]]
"""Does what is to be done at a lane's vertex, and returns where it goes on."""


class Lanes:
    """Runs lanes until none is left.

    Args:
        visit: Does what is to be done at a vertex, and returns where the lane goes on: nowhere ends it, to several
            places makes new lanes.

    Attributes:
        all: Those that have not ended, in the order in which they began.
        on_end: Called when one has ended, and others have not.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._empty: asyncio.Future[None] | None = None
        self._here: Lane | None = None
        self.all: dict[Lane, None] = {}
        self.on_end: Callable[[], None] = lambda: None

    async def run(self, vertices: list[Vertex]) -> None:
        """Follow lanes from these vertices to their ends.

        Raises:
            Exception: What ``visit`` raised first; all other lanes have been interrupted then.
        """
        if not vertices:
            return
        self._empty = asyncio.get_running_loop().create_future()
        here = self._here = self._add(vertices[0], None)
        here.task = asyncio.current_task()
        for vertex in vertices[1:]:
            self.spawn(vertex)
        try:
            await self._follow_here(here)
            await self._empty
        finally:
            if self.all:
                await self._interrupt_all()

    @property
    def resting(self) -> bool:
        """Whether every strand only waits."""
        for lane in self.all:
            if not lane.idle:
                return False
        return bool(self.all)

    def wake_at(self) -> float | None:
        """Return when the first strand goes on by itself, in seconds since the epoch, or None."""
        return min((lane.due for lane in self.all if lane.due is not None), default=None)

    def end(self, error: BaseException | None = None) -> None:
        """Let :meth:`run` return or raise, wherever the lanes are."""
        if self._empty is None or self._empty.done():
            return
        if error is None:
            self._empty.set_result(None)
        else:
            self._empty.set_exception(error)
        if self._here is not None:
            self._here.interrupt()

    def spawn(self, vertex: Vertex, fan: Items | None = None) -> None:
        """Begin a lane."""
        lane = self._add(vertex, fan)
        lane.task = asyncio.get_running_loop().create_task(self._follow(lane))
        lane.task.add_done_callback(lambda task: self._finished(lane, task))

    def _add(self, vertex: Vertex, fan: Items | None) -> Lane:
        lane = Lane(vertex, fan)
        self.all[lane] = None
        return lane

    async def _follow_here(self, lane: Lane) -> None:
        """Follow the first lane, in the caller's own task: most executions have no other."""
        error: BaseException | None = None
        try:
            await self._follow(lane)
        except asyncio.CancelledError:
            error = None if lane.interrupted else _cancelled_by_nobody(lane)
        except Exception as failure:  # noqa: BLE001 -- it is raised by run(), once the other lanes have ended
            error = failure
        finally:
            self.all.pop(lane, None)
            self._here = None
        if lane.go_on():  # whoever drives is to end
            raise asyncio.CancelledError
        self._ended(error)

    async def _follow(self, lane: Lane) -> None:
        while True:
            following = await self._visit(lane)
            if not following:
                return
            lane.vertex = following[0]
            for other in following[1:]:
                self.spawn(other)

    def _finished(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self.all.pop(lane, None)
        if not task.cancelled():
            self._ended(task.exception())
        else:
            self._ended(None if lane.interrupted else _cancelled_by_nobody(lane))

    def _ended(self, error: BaseException | None) -> None:
        """A lane has ended."""
        if error is not None or not self.all:
            self.end(error)
        elif self._empty is not None and not self._empty.done():  # else all of them are being ended
            self.on_end()

    async def _interrupt_all(self) -> None:
        tasks = [lane.task for lane in self.all if lane.task is not None]
        for lane in self.all:
            lane.interrupt()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cancelled_by_nobody(lane: Lane) -> RuntimeError:
    return RuntimeError(f"the lane at {lane.vertex.id!r} was cancelled by nobody")
