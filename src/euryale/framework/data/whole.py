"""Calls of the database that are made whole, or not at all, whatever is cancelled meanwhile.

A statement that is let go of half way leaves a connection that nobody knows any more: the driver drops it without
closing it as long as anything refers to its cursor, and with SQLite the lock of its transaction stays held.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do work to its end even if the caller is cancelled meanwhile; then the cancellation goes on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        _ = task.cancelled() or task.exception()  # it is looked at, so that it is no warning
        raise cancelled
    return task.result()


def made_whole(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return the function such that each of its calls is made whole."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return await whole(function(*args, **kwargs))

    return call
