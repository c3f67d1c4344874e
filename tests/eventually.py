"""Waiting for observable state, with a deadline, for tests that watch real processes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(probe: Callable[[], T | Awaitable[T]], *, within: float = 10.0, every: float = 0.02) -> T:
    """Return the first truthy result of ``probe``; fail with the last one after ``within`` seconds."""
    last: object = None
    try:
        async with asyncio.timeout(within):
            while True:
                result = probe()
                last = await result if inspect.isawaitable(result) else result
                if last:
                    return last  # type: ignore[return-value]
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within} s; the last look gave {last!r}") from None
