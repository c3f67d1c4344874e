"""Live events of executions: what has just become durable, and what has just begun."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from euryale.kit.clock import Clock, Limit
from euryale.workflows.record.states import Status

STARTED = "step.started"
UNDO_STARTED = "undo.started"
ENDED = "step.ended"
UNDO_ENDED = "undo.ended"


@dataclass(frozen=True, slots=True)
class ExecutionEvent:
    """Something that happened to an execution.

    Attributes:
        execution: Its id.
        name: ``step.started``, ``step.succeeded``, ``step.retrying``, ``step.waiting``, ``step.failed``,
            ``step.timed_out``, ``choice.made``, ``event.staged``, ``execution.compensating``, ``undo.started``,
            ``undo.succeeded``, ``undo.retrying``, ``undo.failed``, ``execution.reopened``, ``execution.finished``.
        at: When, in seconds since the epoch.
        seq: Its number in the journal; 0 for what is only begun.
        step: The node it is about, or an empty string.
        attempt: Which attempt, from 1; 0 when it is about none.
        started: When the attempt began.
        due: When the next attempt begins.
        error: What went wrong, for a person.
        status: The execution's status, when it is one of the last event's.
    """

    execution: str
    name: str
    at: float
    seq: int = 0
    step: str = ""
    attempt: int = 0
    started: float | None = None
    due: float | None = None
    error: str = ""
    status: Status | None = None


Watch = asyncio.Queue[ExecutionEvent | Exception]
"""What a watcher takes from: events, or why there will be no more."""


class Feed:
    """Hands the events of one process's executions to whoever watches."""

    def __init__(self) -> None:
        self._watchers: dict[str, list[Watch]] = {}

    def publish(self, event: ExecutionEvent) -> None:
        """Tell everybody who watches that execution."""
        for queue in self._watchers.get(event.execution, ()):
            queue.put_nowait(event)

    def give_up(self, execution: str, error: Exception) -> None:
        """Tell everybody who watches that execution that nothing more comes, and why."""
        for queue in self._watchers.get(execution, ()):
            queue.put_nowait(error)

    def close(self, error: Exception) -> None:
        """Tell everybody who watches anything the same."""
        for execution in self._watchers:
            self.give_up(execution, error)

    def watched(self, execution: str) -> bool:
        """Return whether anybody would hear."""
        return execution in self._watchers

    def watch(self, execution: str) -> tuple[Watch, Callable[[], None]]:
        """Return a queue of events from now on, and what ends it."""
        queue: Watch = asyncio.Queue()
        watchers = self._watchers.setdefault(execution, [])
        watchers.append(queue)

        def end() -> None:
            watchers.remove(queue)
            if not watchers:
                self._watchers.pop(execution, None)

        return queue, end


async def next_event(queue: Watch, clock: Clock, within: float | None) -> ExecutionEvent | None:
    """Return the next event; None if none comes within so many seconds.

    Raises:
        Exception: Why no more events come, if the execution has not ended.
    """
    try:
        async with Limit(clock, within):
            event = await queue.get()
    except TimeoutError:
        return None
    if isinstance(event, Exception):
        raise event
    return event
