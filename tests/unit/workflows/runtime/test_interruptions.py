"""What steps do to their own tasks stays with them: the execution goes on, or ends as it should."""

import asyncio
import contextlib

import pytest

from euryale.workflows import Engine, ExecutionCancelled, ExecutionReverted, Status, Step, step, workflow

AT_ONCE = 10.0


async def turn_of_the_loop() -> None:
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


@step
async def early(name: str) -> str:
    return name


@step
async def late(name: str) -> str:
    return f"{name}!"


@pytest.mark.parametrize("at_the_end", [False, True])
async def test_a_step_may_cancel_its_own_execution(store, effects, at_the_end):
    engine = Engine(store)

    @step
    async def first(name: str) -> str:
        await effects.do("first")
        return name

    @first.compensate
    async def _(undo: str | None) -> None:
        await turn_of_the_loop()
        await effects.undo("first")

    @step
    async def abort(name: str) -> str:
        assert await engine.cancel("e")
        return name

    @workflow("w")
    def flow(name: str) -> str:
        aborted = abort(first(name))
        return aborted if at_the_end else late(aborted)

    async with engine, asyncio.timeout(AT_ONCE):
        with pytest.raises(ExecutionCancelled):
            await engine.run(flow, "x", id="e")
        assert await engine.wait("e") is Status.REVERTED
    assert effects.undone() == ("first",)


async def test_a_step_that_leaves_its_task_cancelled_hurts_nobody(store):
    """Some libraries cancel the task at a time limit of theirs, and do not take that back."""

    @step
    async def leave(name: str) -> str:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return name

    @step
    async def await_what_is_cancelled(name: str) -> str:
        asyncio.get_running_loop().call_soon((gone := asyncio.get_running_loop().create_future()).cancel)
        await gone
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return late(await_what_is_cancelled(leave(name)))

    @workflow("calm")
    def calm(name: str) -> str:
        return late(leave(name))

    async with Engine(store) as engine, asyncio.timeout(AT_ONCE):
        assert await engine.run(calm, "x") == "x!"
        with pytest.raises(ExecutionReverted, match="awaited something that was cancelled"):
            await engine.run(flow, "x")


def swallower() -> tuple[asyncio.Event, Step[[str], str, str]]:
    """Return a step that returns when it is interrupted, and what is set when it has begun."""
    begun = asyncio.Event()

    @step
    async def stubborn(name: str) -> str:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return name

    return begun, stubborn


async def test_a_step_that_swallows_a_mark_leaves_nothing_behind(store):
    begun, stubborn = swallower()

    @step
    async def group(name: str) -> str:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(turn_of_the_loop())
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return late(group(stubborn(name)))

    async with Engine(store) as engine, asyncio.timeout(AT_ONCE):
        handle = await engine.start(flow, "x", id="e")
        await begun.wait()
        await engine.mark_succeeded("e", "stubborn", "by hand")
        assert await handle.result() in {"x!", "by hand!"}


async def test_a_step_that_swallows_its_end_at_the_close_is_the_last_one(store):
    (begun, stubborn), after = swallower(), []

    @step
    async def never(name: str) -> str:
        after.append(name)
        return name

    @workflow("w")
    def flow(name: str) -> str:
        return never(stubborn(name))

    async with asyncio.timeout(AT_ONCE):
        async with Engine(store) as engine:
            await engine.start(flow, "x", id="e")
            await begun.wait()
        assert after == []
        async with Engine(store, workflows=[flow]) as engine:
            assert await engine.result("e") == "x", "its result was written"
