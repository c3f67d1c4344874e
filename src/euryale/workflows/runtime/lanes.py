"""Lanes: the strands of an execution that go on at the same time, each along its own vertices."""

import asyncio
from collections.abc import Awaitable, Callable

from euryale.workflows.definition.graph import Vertex


class Lane:
    """One strand.

    Attributes:
        vertex: Where it is.
        idle: Whether it only waits: for the time of a retry, or for an answer from outside.
        interrupted: Whether it was asked to end.
    """

    __slots__ = ("idle", "interrupted", "task", "vertex")

    def __init__(self, vertex: Vertex) -> None:
        self.vertex = vertex
        self.idle = False
        self.interrupted = False
        self.task: asyncio.Task[None] | None = None

    def interrupt(self) -> None:
        """Cancel what it does."""
        if self.task is not None and not self.interrupted:
            self.interrupted = True
            self.task.cancel()


class Lanes:
    """Runs lanes until none is left.

    Args:
        visit: Does what is to be done at a vertex, and returns where the lane goes on: nowhere ends it, to several
            places makes new lanes.
    """

    def __init__(self, visit: Callable[[Lane], Awaitable[list[Vertex]]]) -> None:
        self._visit = visit
        self._empty: asyncio.Future[None] | None = None
        self.all: set[Lane] = set()

    async def run(self, vertices: list[Vertex]) -> None:
        """Follow lanes from these vertices to their ends.

        Raises:
            Exception: What ``visit`` raised first; all other lanes have been interrupted then.
        """
        if not vertices:
            return
        self._empty = asyncio.get_running_loop().create_future()
        for vertex in vertices:
            self._spawn(vertex)
        try:
            await self._empty
        finally:
            await self._interrupt_all()

    def _spawn(self, vertex: Vertex) -> None:
        lane = Lane(vertex)
        self.all.add(lane)
        lane.task = asyncio.get_running_loop().create_task(self._follow(lane))
        lane.task.add_done_callback(lambda task: self._ended(lane, task))

    async def _follow(self, lane: Lane) -> None:
        while True:
            following = await self._visit(lane)
            if not following:
                return
            lane.vertex = following[0]
            for other in following[1:]:
                self._spawn(other)

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self.all.discard(lane)
        error: BaseException | None
        if task.cancelled():
            error = (
                None if lane.interrupted else RuntimeError(f"the lane at {lane.vertex.id!r} was cancelled by nobody")
            )
        else:
            error = task.exception()
        if self._empty is None or self._empty.done():
            return
        if error is not None:
            self._empty.set_exception(error)
        elif not self.all:
            self._empty.set_result(None)

    async def _interrupt_all(self) -> None:
        tasks = [lane.task for lane in self.all if lane.task is not None]
        for lane in self.all:
            lane.interrupt()
        await asyncio.gather(*tasks, return_exceptions=True)
