"""Tasks that begin within the call that makes them; from Python 3.12 on asyncio has them too (``eager_start``)."""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begin_task(work: Coroutine[Any, Any, T], *, name: str) -> "asyncio.Task[T] | None":
    """Do what a coroutine does before it waits, and return the task that goes on with it; None if it has ended.

    To the coroutine it is all one task. Source of how that is told to asyncio:
    https://docs.python.org/3/library/asyncio-extending.html#task-lifetime-support

    Args:
        work: The coroutine.
        name: The task's name.

    Raises:
        Exception: What the coroutine raised before it waited.
    """
    loop, caller, context = asyncio.get_running_loop(), asyncio.current_task(), copy_context()
    waits_for: list[Any] = []
    task = loop.create_task(_go_on(work, waits_for), name=name, context=context)
    _turn_to(loop, task, caller)
    try:
        waits_for.append(context.run(work.send, None))
    except StopIteration:
        return None
    finally:
        _turn_to(loop, caller, task)
    return task


def _turn_to(
    loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Any] | None", former: "asyncio.Task[Any] | None"
) -> None:
    if former is not None:
        asyncio.tasks._leave_task(loop, former)  # noqa: SLF001 -- the documented way to run a task oneself
    if task is not None:
        asyncio.tasks._enter_task(loop, task)  # noqa: SLF001 -- as above


async def _go_on(work: Coroutine[Any, Any, T], waits_for: list[Any]) -> T:
    result: T = await _rest(work, waits_for)
    return result


@coroutine
def _rest(work: Coroutine[Any, Any, Any], waits_for: list[Any]) -> Generator[Any, Any, Any]:
    """Pass on what the coroutine waits for, and what comes of that, until it ends; at once, if it has."""
    try:
        while waits_for:
            try:
                yield waits_for.pop()
            except BaseException as error:  # noqa: BLE001 -- it is the coroutine's
                waits_for.append(work.throw(error))
            else:
                waits_for.append(work.send(None))
    except StopIteration as end:
        return end.value
    return None
