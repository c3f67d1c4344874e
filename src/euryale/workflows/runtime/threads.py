"""Threads for steps that are plain functions. One that hangs is left alone, and holds back nobody."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Final

_KEPT_IDLE: Final = 32

_Job = Callable[[], None]


class StepThreads:
    """Runs functions in threads, of which there are as many as functions run.

    The loop's own pool would not do: it has few threads, so that some hung steps stop all others, and the process
    waits for them at its end. These are daemons, and kept for the next function when they are done.
    """

    def __init__(self) -> None:
        self._idle: list[_Thread] = []

    async def run(self, function: Callable[[], Any]) -> Any:
        """Return what ``function`` returns, called in a thread with the caller's context variables.

        If the caller is cancelled the function goes on, and what it returns is discarded.

        Raises:
            Exception: What the function raised.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Any] = loop.create_future()
        context = copy_context()

        def job() -> None:
            value, failure = None, None
            try:
                value = context.run(function)
            except BaseException as error:  # noqa: BLE001 -- handed to the caller
                failure = _bearable(error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, result, value, failure)

        thread = self._idle.pop() if self._idle else _Thread(self._idle)
        thread.jobs.put(job)
        return await result

    def release(self) -> None:
        """Let the threads end that have nothing to do."""
        while self._idle:
            self._idle.pop().jobs.put(None)


class _Thread:
    def __init__(self, idle: list["_Thread"]) -> None:
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = idle
        threading.Thread(target=self._work, name="euryale-step", daemon=True).start()

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()
            if len(self._idle) >= _KEPT_IDLE:
                return
            self._idle.append(self)


def _bearable(error: BaseException) -> Exception:
    """Return what a future can bear: no ``StopIteration``, and nothing that would end the process."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    bearable = RuntimeError(f"the step raised {error!r}")
    bearable.__cause__ = error
    return bearable


def _settle(result: asyncio.Future[Any], value: Any, failure: Exception | None) -> None:
    if result.done():
        return
    if failure is None:
        result.set_result(value)
    else:
        result.set_exception(failure)
