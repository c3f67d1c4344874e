"""Lanes: the strands of an execution that go on at the same time, each along its own vertices."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

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
        begun: Whether its task has.
        interrupted: Whether it was asked to end.
        fan: The items that it works through, or None.
    """

    __slots__ = ("begun", "due", "fan", "idle", "interrupted", "task", "vertex")

    def __init__(self, vertex: Vertex, fan: "Items | None" = None) -> None:
        self.vertex = vertex
        self.fan = fan
        self.idle = False
        self.due: float | None = None
        self.begun = False
        self.interrupted = False
        self.task: asyncio.Task[None] | None = None

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
            if self.begun:  # else it ends as it begins: a task that is cancelled before never says that it has ended
                self.task.cancel()

    def break_off(self) -> None:
        """Cancel what it does at its vertex, unless that itself asks for it; it goes on from there."""
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def go_on(self) -> None:
        """Take back that it was cancelled, unless it is to end: nothing later is to take itself for cancelled."""
        while self.task is not None and not self.interrupted and self.task.cancelling():
            self.task.uncancel()


Visit = Callable[[Lane], Awaitable[list[Vertex]]]
"""Does what is to be done at a lane's vertex, and returns where it goes on."""


async def _nowhere(_: Lane) -> list[Vertex]:
    return []


def _nothing() -> None:
    pass


class Lanes:
    """Runs lanes until none is left.

    Attributes:
        all: Those that have not ended, in the order in which they began.
        ending: Whether they are being ended: nothing new is begun, and nothing is let go of.
    """

    def __init__(self) -> None:
        self._visit: Visit = _nowhere
        self._on_end: Callable[[], None] = _nothing
        self._empty: asyncio.Future[None] | None = None
        self.all: dict[Lane, None] = {}
        self.ending = False

    async def run(self, vertices: list[Vertex], visit: Visit, on_end: Callable[[], None]) -> None:
        """Follow lanes from these vertices to their ends.

        Args:
            vertices: Where they begin.
            visit: Does what is to be done at a vertex, and returns where the lane goes on: nowhere ends it, to several
                places makes new lanes.
            on_end: Called when one has ended, and others have not.

        Raises:
            Exception: What ``visit`` raised first; all other lanes have been interrupted then.
        """
        if not vertices:
            return
        self._visit, self._on_end = visit, on_end
        self._empty = asyncio.get_running_loop().create_future()
        for vertex in vertices:
            self.spawn(vertex)
        try:
            await self._empty
        finally:
            if self.all:
                await self._interrupt_all()
            if self._empty.done() and not self._empty.cancelled():
                self._empty.exception()  # whoever cancels this does not look at it
            self._visit, self._on_end = _nowhere, _nothing  # both refer to this: no cycle is left to be collected

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

    def spawn(self, vertex: Vertex, fan: Items | None = None) -> None:
        """Begin a lane."""
        lane = Lane(vertex, fan)
        self.all[lane] = None
        lane.task = asyncio.get_running_loop().create_task(self._follow(lane))

    async def _follow(self, lane: Lane) -> None:
        lane.begun = True
        error: Exception | None = None
        try:
            while not lane.interrupted:
                following = await self._visit(lane)
                if not following or lane.interrupted:
                    break
                lane.vertex = following[0]
                for other in following[1:]:
                    self.spawn(other)
        except asyncio.CancelledError:
            if not lane.interrupted:
                error = RuntimeError(f"the lane at {lane.vertex.id!r} was cancelled by nobody")
        except Exception as failure:  # noqa: BLE001 -- whoever runs the lanes raises it
            error = failure
        self._ended(lane, error)

    def _ended(self, lane: Lane, error: Exception | None) -> None:
        del self.all[lane]
        if error is not None or not self.all:
            self.end(error)
        elif self._empty is not None and not self._empty.done():  # else all of them are being ended
            self._on_end()

    async def _interrupt_all(self) -> None:
        tasks = [lane.task for lane in self.all if lane.task is not None]
        for lane in self.all:
            lane.interrupt()
        await asyncio.gather(*tasks, return_exceptions=True)
