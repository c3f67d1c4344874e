"""Outcomes that a person gives to steps: whatever is done at such a step is interrupted, and the outcome taken."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from euryale.workflows.definition.nodes import StepNode
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
            lane.break_off()
        return True

    async def unless_marked(
        self,
        lane: Lane,
        node: StepNode,
        work: Callable[[Lane, StepNode], Awaitable[T]],
        take: Callable[[Lane, StepNode, Message], Awaitable[T]],
    ) -> T:
        """Do the work at a step, unless it has a mark or gets one meanwhile: then take that.

        Raises:
            asyncio.CancelledError: If the lane is interrupted.
        """
        mark = self._given.get(node.id)
        if mark is None:
            self._lanes[node.id] = lane
            try:
                return await work(lane, node)
            except asyncio.CancelledError:
                mark = self._given.get(node.id)
                if mark is None or lane.interrupted:
                    raise
            finally:
                del self._lanes[node.id]
                lane.go_on()
        return await take(lane, node, mark)
