"""Letting a server stop although streams are open: they end at the signal, not after the last answer."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def when_asked_to_stop(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act``, in the event loop, when the process is asked to stop, then do what was to be done before.

    A server waits for open answers before it tells the application that it stops; so an application that holds
    streams open must hear of the signal itself. Only the main thread receives signals; elsewhere nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        _pass_on(before[signal.Signals(number)], number, frame)

    chained = [number for number in _SIGNALS if callable(before[number])]
    for number in chained:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number in chained:
            signal.signal(number, before[number])


def _pass_on(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
