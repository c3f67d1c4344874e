"""Draining: a worker waits until it has let go of everything, but not for ever."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from euryale.kit.clock import Clock, Limit

_log = logging.getLogger("euryale.workflows")


async def until_none(under_way: Callable[[], Sequence[asyncio.Future[Any]]], clock: Clock, within: float) -> bool:
    """Return when nothing is under way any more, or after so many seconds.

    Args:
        under_way: Gives a future for each of what is; it is done when that is not under way any more.
        clock: Whose seconds.
        within: How many.

    Returns:
        Whether nothing is under way.
    """
    with contextlib.suppress(TimeoutError):
        async with Limit(clock, within):
            while left := under_way():
                await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        return True
    _log.warning("%d executions are interrupted in the midst of a step, and handed over", len(under_way()))
    return False
