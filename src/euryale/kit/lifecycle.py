"""One lifecycle for every long-running part: start, stop; stopping twice or before starting is fine."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol


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
        """Start all, in order. If one fails, those already started are stopped and its error is raised."""
        try:
            for service in self._services:
                self._started.append(service)
                await service.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what was started, in reverse.

        Raises:
            ExceptionGroup: If any of them failed to stop; all of them were asked to.
        """
        errors: list[Exception] = []
        while self._started:
            try:
                await self._started.pop().stop()
            except Exception as error:  # noqa: BLE001 -- the others must be stopped too; it is raised below
                errors.append(error)
        if errors:
            raise ExceptionGroup("some services failed to stop", errors)


class Tasks:
    """A bag of background tasks that is emptied on :meth:`stop`; a task that fails is reported, not lost."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run ``coroutine`` in the background."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
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
