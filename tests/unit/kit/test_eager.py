"""Tasks that begin at once."""

import asyncio
from contextvars import ContextVar

import pytest

from euryale.kit.eager import begin_task


async def turn() -> None:
    """Let the loop have a turn."""
    passed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(passed.set_result, None)
    await passed


async def test_it_does_what_comes_before_it_waits_within_the_call():
    done, gate = [], asyncio.Event()

    async def work() -> str:
        done.append("began")
        await gate.wait()
        done.append("went on")
        return "result"

    task = begin_task(work(), name="working")
    assert task is not None
    assert (done, task.get_name(), task.done()) == (["began"], "working", False)
    gate.set()
    assert await task == "result"
    assert done == ["began", "went on"]


async def test_one_that_waits_for_nothing_has_ended():
    done = []

    async def work() -> None:
        done.append("all")

    assert begin_task(work(), name="working") is None
    assert done == ["all"]


async def test_what_it_raises_before_it_waits_is_raised():
    async def work() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        begin_task(work(), name="working")


async def test_what_it_raises_later_is_the_tasks():
    async def work() -> None:
        await turn()
        raise ValueError("later")

    task = begin_task(work(), name="working")
    assert task is not None
    with pytest.raises(ValueError, match="later"):
        await task


async def test_to_the_coroutine_it_is_one_task_and_not_the_callers():
    seen = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await turn()
        seen.append(asyncio.current_task())

    caller = asyncio.current_task()
    task = begin_task(work(), name="working")
    assert asyncio.current_task() is caller
    assert task is not None
    await task
    assert seen == [task, task]


async def test_a_time_limit_that_it_set_before_it_waits_is_its_own():
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "not"

    task = begin_task(work(), name="working")
    assert task is not None
    assert await task == "timed out"


async def test_it_can_be_cancelled_while_it_waits():
    heard = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    task = begin_task(work(), name="working")
    assert task is not None
    await turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["cancelled"]


async def test_a_cancellation_that_it_swallows_is_swallowed():
    async def work() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await turn()
        return "went on"

    task = begin_task(work(), name="working")
    assert task is not None
    await turn()
    task.cancel()
    assert await task == "went on"


async def test_its_context_is_its_own():
    mine: ContextVar[str] = ContextVar("mine", default="the caller's")

    async def work() -> str:
        token = mine.set("the task's")
        await turn()
        seen = mine.get()
        mine.reset(token)
        return seen

    task = begin_task(work(), name="working")
    assert task is not None
    assert (mine.get(), await task) == ("the caller's", "the task's")


async def test_it_begins_in_no_task_as_well():
    made, seen = [], []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await turn()

    asyncio.get_running_loop().call_soon(lambda: made.append(begin_task(work(), name="working")))
    await turn()
    (task,) = made
    await task
    assert seen == [task]
