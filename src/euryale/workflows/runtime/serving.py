"""Serving: a process that works until it is told to end by a signal."""

import asyncio
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from euryale.workflows.definition.checks import seconds

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


class Serving(ABC):
    """What has a life of its own: it is opened and closed, and drains before."""

    @abstractmethod
    async def open(self) -> None:
        """Begin."""

    @abstractmethod
    async def close(self) -> None:
        """End."""

    @abstractmethod
    async def _let_go(self, within: float) -> bool:
        """Take on nothing more; return whether all that was under way was let go of within so many seconds."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def drain(self, within: float | timedelta = 30.0) -> bool:
        """Take on nothing more, let what runs come to the end of its step, and close.

        Each execution is let go of as soon as it stands between two steps; another worker goes on with it at once, or
        this store's next process. Steps that have not ended in time are interrupted, and begun again there.

        Args:
            within: Seconds, or a timedelta, that steps may still take.

        Returns:
            Whether no step was interrupted.

        Raises:
            EngineClosedError: If it is not open.
            DefinitionError: If that is no duration; it goes on then.
        """
        limit = seconds(within, "drain: within")
        try:
            return await self._let_go(limit)
        finally:
            await self.close()

    async def serve(
        self, *, drain_within: float | timedelta = 30.0, on_ready: Callable[[], object] | None = None
    ) -> bool:
        """Open it, work until the process is told to end by SIGTERM or SIGINT, and drain: the whole main of a worker.

        A second signal ends the draining at once, a third one the process.

        Args:
            drain_within: Seconds, or a timedelta, that steps may still take then; see :meth:`drain`.
            on_ready: Called once it works.

        Returns:
            Whether no step was interrupted.

        Raises:
            StoreError: As :meth:`open` does.
            RuntimeError: If this is not the main thread.
            DefinitionError: If ``drain_within`` is no duration.

        Example:
            >>> asyncio.run(Engine(PostgresStore(url), workflows=[place_order]).serve())
        """
        limit = seconds(drain_within, "serve: drain_within")
        with Signals() as signals:
            async with self:
                if on_ready is not None:
                    on_ready()
                await signals.first()
                return bool(await signals.unless_again(self.drain(limit)))
