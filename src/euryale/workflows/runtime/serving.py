"""Serving: a process that works until it is told to end by a signal."""

import asyncio
import signal
from collections.abc import Collection, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Hears signals for as long as its block lasts; after the second one they have their usual effect again.

    Args:
        numbers: Which.

    Raises:
        RuntimeError: If this is not the main thread, or the platform has no signals.
    """

    def __init__(self, numbers: Collection[int] = ENDING) -> None:
        self._numbers = numbers
        self._first = asyncio.Event()
        self._second = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            loop.add_signal_handler(number, self._hear)
        return self

    def _hear(self) -> None:
        if self._first.is_set():
            self._second.set()
            self._listen_no_more()
        self._first.set()

    def _listen_no_more(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            loop.remove_signal_handler(number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listen_no_more()

    async def first(self) -> None:
        """Return when one comes."""
        await self._first.wait()

    async def unless_again(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what ``work`` returns; None if a second signal comes before: then it is cancelled, and waited for."""
        task = asyncio.ensure_future(work)
        again = asyncio.ensure_future(self._second.wait())
        try:
            await asyncio.wait([task, again], return_when=asyncio.FIRST_COMPLETED)
        finally:
            again.cancel()
            interrupted = task.cancel()
            await asyncio.wait([task])
        return None if interrupted else task.result()
