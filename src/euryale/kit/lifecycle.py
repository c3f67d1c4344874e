"""One lifecycle for every long-running part: start, stop; stopping twice or before starting is fine."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

_log = logging.getLogger(__name__)


class Service(Protocol):
    """A part that runs until it is stopped."""

    async def start(self) -> None:
        """Begin; return when ready for use. Starting twice is an error of the caller."""
        ...

    async def stop(self) -> None:
        """End, and return when nothing of it runs any more. May be called twice, or before ``start``."""
        ...


class Lifecycle:
    """Starts services in order and stops them in reverse, whatever fails on the way."""

    def __init__(self, *services: Service) -> None:
        self._services = services
        self._started: list[Service] = []

    async def start(self) -> None:
        """Start all, in order. If one fails, it and those before it are stopped, and its error is raised."""
        try:
            for service in self._services:
                self._started.append(service)
                await service.start()
        except BaseException:
            try:
                await self.stop()
            except ExceptionGroup:
                _log.exception("a service failed to start, and on the way back")
            raise

    async def stop(self) -> None:
        """Stop what was started, in reverse; whoever is cancelled meanwhile asks the others to stop before it ends.

        Raises:
            ExceptionGroup: If any of them failed to stop; all of them were asked to.
        """
        errors: list[Exception] = []
        cancelled: asyncio.CancelledError | None = None
        while self._started:
            try:
                await self._started.pop().stop()
            except asyncio.CancelledError as error:
                cancelled = error
            except Exception as error:  # noqa: BLE001 -- the others must be stopped too; it is raised below
                errors.append(error)
        failed = ExceptionGroup("some services failed to stop", errors) if errors else None
        if cancelled is not None:
            raise cancelled from failed
        if failed is not None:
            raise failed


class Tasks:
    """A bag of background tasks that is emptied on :meth:`stop`; a task that fails is reported, not lost."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run ``coroutine`` in the background."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": f"background task {task.get_name()!r} failed", "exception": error, "task": task}
            )

    async def stop(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
