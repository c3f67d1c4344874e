"""Cancel, and the time limit of a whole execution, in every state."""

import asyncio
from datetime import UTC, datetime

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    LATER,
    Engine,
    ExecutionCancelled,
    ExecutionTimedOut,
    Reason,
    Retry,
    Status,
    UnknownExecutionError,
    emit,
    step,
    workflow,
)
from unhurried_store import UnhurriedStore


class Stage:
    """A workflow for each state in which an execution may be."""

    def __init__(self, effects):
        self.release = asyncio.Event()

        @step
        async def first() -> None:
            await effects.do("first")

        @first.compensate
        async def _(undo: None) -> None:
            await effects.undo("first")

        @step
        async def hang() -> None:
            await self.release.wait()

        @hang.compensate
        async def _(undo: None) -> None:
            await effects.undo("hang")

        @step(retry=Retry(max_attempts=9, initial=3600))
        async def fail() -> None:
            raise RuntimeError

        @fail.compensate
        async def _(undo: None) -> None:
            await effects.undo("fail")

        @step(completes="externally")
        async def wait() -> None:
            return LATER

        @wait.compensate
        async def _(undo: None) -> None:
            await effects.undo("wait")

        @workflow("inner")
        def inner() -> None:
            hang()

        self.steps = {"running": hang, "retry wait": fail, "external wait": wait, "child": inner}
        self.reached = {
            "running": "step.started",
            "retry wait": "step.retrying",
            "external wait": "step.waiting",
            "child": "step.waiting",
        }
        self.first = first

    def flow(self, state, timeout=None):
        @workflow("w", timeout=timeout)
        def flow() -> None:
            self.first()
            self.steps[state]()

        return flow

    async def reach(self, engine, state):
        reached = [self.reached[state]] if state != "running" else ["step.started", "step.started"]
        async for event in engine.events("e"):
            if event.name == reached[-1] and event.step != "first":
                return


@pytest.fixture
def stage(effects):
    return Stage(effects)


UNDONE = {
    "running": ("hang", "first"),
    "retry wait": ("fail", "first"),
    "external wait": ("wait", "first"),
    "child": ("hang", "first"),
}


@pytest.mark.parametrize("state", UNDONE)
async def test_it_is_cancelled_and_undone_in_every_state(engine, stage, effects, state):
    handle = await engine.start(stage.flow(state), None, id="e")
    await stage.reach(engine, state)
    assert await handle.cancel()
    assert not await handle.cancel()
    with pytest.raises(ExecutionCancelled, match="It was cancelled"):
        await handle.result()
    assert effects.undone() == UNDONE[state]
    view = await handle.view()
    assert (view.status, view.reason) == (Status.REVERTED, Reason.CANCELLED)
    assert not await handle.cancel()


@pytest.mark.parametrize("state", UNDONE)
async def test_the_wish_survives_a_restart_in_every_state(store, stage, effects, state):
    flow = stage.flow(state)
    async with Engine(store, workflows=[flow]) as engine:
        await engine.start(flow, None, id="e")
        await stage.reach(engine, state)
        engine._worker._live.clear()  # the wish is kept, and this process does not come to it any more
        assert await engine.cancel("e")
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.wait("e") is Status.REVERTED
        assert (await engine.get("e")).reason is Reason.CANCELLED
    assert effects.undone() == UNDONE[state]


async def test_before_anything_has_run_there_is_nothing_to_undo(engine, stage, effects):
    handle = await engine.start(stage.flow("running"), None, id="e")
    assert await handle.cancel()
    with pytest.raises(ExecutionCancelled):
        await handle.result()
    assert list(effects) == []


async def test_one_that_has_ended_is_not_cancelled(engine, stage, effects):
    stage.release.set()
    await engine.run(stage.flow("running"), None, id="e")
    assert not await engine.cancel("e")
    assert await engine.wait("e") is Status.SUCCEEDED
    assert effects.undone() == ()


async def test_one_that_is_unknown_is_told(engine):
    with pytest.raises(UnknownExecutionError):
        await engine.cancel("nobody")


class SlowStore(UnhurriedStore):
    """Writes only when it is let."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_gate = asyncio.Event()

    async def write(self, commits):
        if not self.gate.is_set():
            self.at_gate.set()
            await self.gate.wait()
        return await super().write(commits)


async def test_a_wish_that_comes_while_the_success_is_written_is_heard(effects):
    """The success is refused, and undone is what came of the last step, with what it returned."""
    store = SlowStore()

    @step
    async def last() -> str:
        await effects.do("last")
        store.gate.clear()
        return "it"

    @last.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(str(undo))

    @workflow("w")
    def flow() -> str:
        emit("done", 1)
        return last()

    delivered = []

    async def deliver(event):
        delivered.append(event)

    async with Engine(store, deliver=deliver) as engine:
        handle = await engine.start(flow)
        await store.at_gate.wait()
        assert await handle.cancel()
        store.gate.set()
        with pytest.raises(ExecutionCancelled):
            await handle.result()
        assert not await handle.cancel()
        names = [event.name async for event in handle.events()]
        assert names == [
            "event.staged",
            "step.succeeded",
            "execution.compensating",
            "undo.succeeded",
            "execution.finished",
        ]
    assert [(each.kind, each.name) for each in effects] == [("do", "last"), ("undo", "it")]
    assert delivered == []


async def test_a_wish_that_comes_while_a_result_is_written_undoes_that_step_too(effects):
    store = SlowStore()

    @step
    async def work(name: str) -> str:
        await effects.do(name)
        if name == "a":
            store.gate.clear()
        return name

    @work.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(str(undo))

    @workflow("w")
    def flow() -> str:
        return work(work("a"))

    async with Engine(store) as engine:
        handle = await engine.start(flow, None)
        await store.at_gate.wait()
        assert await handle.cancel()
        store.gate.set()
        with pytest.raises(ExecutionCancelled):
            await handle.result()
        names = [event.name async for event in handle.events()]
        assert names == [
            "step.succeeded",
            "execution.compensating",
            "undo.succeeded",
            "execution.finished",
        ]
    assert [(each.kind, each.name) for each in effects] == [("do", "a"), ("undo", "a")]


@pytest.mark.parametrize("state", UNDONE)
async def test_a_time_limit_undoes_it_in_every_state(store, stage, effects, state):
    clock = ManualClock()
    async with Engine(store, clock=clock) as engine:
        handle = await engine.start(stage.flow(state, timeout=60), None, id="e")
        await stage.reach(engine, state)
        clock.advance(60)
        with pytest.raises(ExecutionTimedOut, match=r"longer than the 60 s"):
            await handle.result()
        assert (await engine.get("e")).reason is Reason.TIMEOUT
    assert effects.undone() == UNDONE[state]


async def test_one_whose_time_was_over_while_nobody_drove_it_starts_nothing_more(store, stage, effects):
    flow = stage.flow("external wait", timeout=0.05)
    async with Engine(store) as engine:
        await engine.start(flow, None, id="e")
        await stage.reach(engine, "external wait")
        deadline = store._rows["e"].started_at + flow.plan.timeout
    async with Engine(store, workflows=[flow], clock=ManualClock(datetime.fromtimestamp(deadline + 1, UTC))) as engine:
        assert await engine.wait("e") is Status.REVERTED
    assert effects.done() == ("first",)
    assert effects.undone() == ("wait", "first")
