"""Branches that run at the same time, and what becomes of the others when one fails."""

import asyncio

import pytest

from euryale.workflows import (
    LATER,
    ExecutionReverted,
    Retry,
    StepResponse,
    StepState,
    UndoState,
    parallelize,
    step,
    step_context,
    workflow,
)


class Scene:
    """Two steps that know of each other: one fails when the other runs."""

    def __init__(self, effects):
        self.effects = effects
        self.slow_runs = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.slow_error = None

        @step
        async def fail() -> None:
            await self.slow_runs.wait()
            raise RuntimeError("one branch fails")

        @step(retry=Retry(max_attempts=9, initial=3600, max_interval=3600))
        async def slow() -> StepResponse[str, str]:
            self.slow_runs.set()
            await self.may_finish.wait()
            if self.slow_error:
                raise self.slow_error
            await effects.do("slow")
            return StepResponse("slow", undo="made")

        @slow.compensate
        async def _(undo: str | None) -> None:
            await effects.undo(f"slow:{undo}")

        @step
        async def later(name: str) -> str:
            await effects.do("later")
            return name

        self.fail, self.slow, self.later = fail, slow, later

    def flow(self, on_failure):
        @workflow("w")
        def flow() -> None:
            parallelize(self.fail(), lambda: self.later(self.slow()), on_failure=on_failure)

        return flow


@pytest.fixture
def scene(effects):
    return Scene(effects)


async def reach(engine, execution_id, name):
    async for event in engine.events(execution_id):
        if event.name == name:
            return


def state_of(view, step_id):
    return next((each.state, each.undo_state) for each in view.steps if each.id == step_id)


async def test_branches_run_at_the_same_time_and_give_their_values_in_order(engine):
    both = asyncio.Barrier(3)

    @step
    async def meet(name: str) -> str:
        await both.wait()
        return name

    @workflow("w")
    def flow(name: str) -> list[str]:
        left, (middle, right) = parallelize(meet(name), lambda: parallelize(meet("b"), meet("c")))
        return [left, middle, right]

    assert await engine.run(flow, "a") == ["a", "b", "c"]


async def test_wait_lets_what_runs_finish_and_starts_nothing_new(engine, scene, effects):
    handle = await engine.start(scene.flow("wait"), None, id="e")
    await scene.slow_runs.wait()
    scene.may_finish.set()
    with pytest.raises(ExecutionReverted, match="one branch fails"):
        await handle.result()
    assert [(each.kind, each.name) for each in effects] == [("do", "slow"), ("undo", "slow:made")]
    view = await engine.get("e")
    assert state_of(view, "slow") == (StepState.SUCCEEDED, UndoState.REVERTED)
    assert state_of(view, "later") == (StepState.SKIPPED, UndoState.NONE)


async def test_cancel_interrupts_what_runs(engine, scene, effects):
    with pytest.raises(ExecutionReverted, match="one branch fails"):
        await engine.run(scene.flow("cancel"), None, id="e")
    assert [(each.kind, each.name) for each in effects] == [("undo", "slow:None")]
    view = await engine.get("e")
    assert state_of(view, "slow") == (StepState.FAILED, UndoState.REVERTED)
    assert "another step failed" in view.steps[1].error


async def test_a_step_that_fails_after_the_turn_is_not_tried_again(engine, effects):
    """Its pause would be an hour."""
    runs, ends = asyncio.Event(), asyncio.Event()

    @step
    async def fail() -> None:
        await runs.wait()
        ends.set()  # the other one goes on only when this one has failed
        raise RuntimeError("first")

    @step(retry=Retry(max_attempts=9, initial=3600, max_interval=3600))
    async def slow() -> None:
        runs.set()
        await ends.wait()
        raise RuntimeError("second")

    @workflow("w")
    def flow() -> None:
        parallelize(fail(), slow())

    handle = await engine.start(flow, None, id="e")
    with pytest.raises(ExecutionReverted, match="first"):
        await handle.result()
    assert state_of(await engine.get("e"), "slow") == (StepState.FAILED, UndoState.NONE)


async def test_a_pause_before_a_retry_is_cut_short(engine):
    """It would be an hour."""
    paused = asyncio.Event()

    @step(retry=Retry(max_attempts=9, initial=3600, max_interval=3600))
    async def pausing() -> None:
        raise RuntimeError("again")

    @step
    async def fail() -> None:
        await paused.wait()
        raise RuntimeError("for good")

    @workflow("w")
    def flow() -> None:
        parallelize(pausing(), fail())

    handle = await engine.start(flow, None, id="e")
    await reach(engine, "e", "step.retrying")
    paused.set()
    with pytest.raises(ExecutionReverted, match="for good"):
        await handle.result()
    assert state_of(await engine.get("e"), "pausing") == (StepState.FAILED, UndoState.NONE)


async def test_a_step_that_comes_to_wait_for_outside_after_the_turn_does_not_wait(engine):
    failed, started, undone = asyncio.Event(), asyncio.Event(), []

    @step(completes="externally")
    async def external() -> StepResponse[str, str]:
        started.set()
        await failed.wait()
        return StepResponse(LATER, undo=step_context().token)

    @external.compensate
    async def _(undo: str | None) -> None:
        undone.append(undo)

    @step
    async def fail() -> None:
        await started.wait()
        failed.set()
        raise RuntimeError("for good")

    @workflow("w")
    def flow() -> None:
        parallelize(external(), fail())

    with pytest.raises(ExecutionReverted, match="for good"):
        await engine.run(flow, None, id="e")
    assert undone == ["e/external"]


async def test_only_the_innermost_group_that_holds_both_decides(engine, scene, effects):
    """The group that cancels is inside the other branch: it has no say about a failure outside of it."""
    quick = step(name="quick")(nothing)

    @workflow("w")
    def flow() -> None:
        parallelize(scene.fail(), lambda: parallelize(scene.slow(), quick(), on_failure="cancel"), on_failure="wait")

    handle = await engine.start(flow, None)
    await scene.slow_runs.wait()
    scene.may_finish.set()
    with pytest.raises(ExecutionReverted):
        await handle.result()
    assert effects.undone() == ("slow:made",)


async def nothing() -> None: ...


async def test_a_step_that_will_not_be_interrupted_counts_as_what_it_returned(engine, effects):
    runs = asyncio.Event()

    @step
    async def stubborn() -> str:
        runs.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "made all the same"
        return "never"

    @stubborn.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(str(undo))

    @step
    async def fail() -> None:
        await runs.wait()
        raise RuntimeError

    @workflow("w")
    def flow() -> None:
        parallelize(stubborn(), fail(), on_failure="cancel")

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, None)
    assert effects.undone() == ("made all the same",)
