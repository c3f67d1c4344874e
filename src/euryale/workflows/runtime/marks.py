"""Outcomes that a person gives to steps: whatever is done at such a step is interrupted, and the outcome taken."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from euryale.workflows.record.entry import Message
from euryale.workflows.runtime.lanes import Lane

T = TypeVar("T")


class Marks:
    """The marks of one execution, one way: forward or backward."""

    def __init__(self) -> None:
        self._given: dict[str, Message] = {}
        self._lanes: dict[str, Lane] = {}

    def take(self, message: Message) -> bool:
        """Take a mark in; False if the step has one."""
        if self._given.setdefault(message.step, message) is not message:
            return False
        lane = self._lanes.get(message.step)
        if lane is not None and lane.task is not None:
            lane.task.cancel()
        return True

    async def unless_marked(self, lane: Lane, node: str, work: Callable[[], Awaitable[T]]) -> T | Message:
        """Do what is to be done at a node, unless it has a mark or gets one meanwhile: then that is returned.

        Raises:
            asyncio.CancelledError: If the lane is interrupted.
        """
        if (mark := self._given.get(node)) is not None:
            return mark
        self._lanes[node] = lane
        try:
            return await work()
        except asyncio.CancelledError:
            mark = self._given.get(node)
            if mark is None or lane.interrupted or lane.task is None:
                raise
            lane.task.uncancel()
            return mark
        finally:
            del self._lanes[node]
