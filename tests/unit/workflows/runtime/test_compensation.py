"""The way back: in reverse, each with its retries, and on past what cannot be undone."""

import asyncio

import pytest

from euryale.workflows import (
    Engine,
    ExecutionFailed,
    ExecutionReverted,
    PermanentFailure,
    Reason,
    Retry,
    Status,
    StepResponse,
    StepState,
    UndoState,
    WorkflowError,
    inject,
    parallelize,
    step,
    step_context,
    workflow,
)
from euryale.workflows.testing import FaultSwitch

FAST = Retry(max_attempts=3, initial=0.001)


def undoable(name, effects, faults):
    """Return a step that does and undoes something under a name."""

    async def work(value: str) -> StepResponse[str, str]:
        faults.check(name)
        await effects.do(name)
        return StepResponse(f"{value}{name}", undo=f"undo-{name}")

    made = step(name=name)(work)

    @made.compensate(retry=FAST)
    async def _(undo: str | None, *, value: str) -> None:
        faults.check(f"undo-{name}")
        await effects.undo(f"{name}:{undo}:{value}")

    return made


@pytest.fixture
def faults():
    return FaultSwitch()


async def test_what_ran_is_undone_in_reverse_with_what_it_left_for_it(engine, effects, faults):
    a, b, c = (undoable(name, effects, faults) for name in "abc")
    faults.fail("c")

    @workflow("w")
    def flow(value: str) -> str:
        return c(b(a(value)))

    with pytest.raises(ExecutionReverted, match="at step 'c'"):
        await engine.run(flow, "x", id="e")
    assert effects.undone() == ("c:None:xab", "b:undo-b:xa", "a:undo-a:x")
    view = await engine.get("e")
    assert (view.status, view.reason, view.error.step) == (Status.REVERTED, Reason.ERROR, "c")
    assert [(each.state, each.undo_state) for each in view.steps] == [
        (StepState.SUCCEEDED, UndoState.REVERTED),
        (StepState.SUCCEEDED, UndoState.REVERTED),
        (StepState.FAILED, UndoState.REVERTED),
    ]


async def test_a_failed_step_may_leave_what_its_own_compensation_needs(engine):
    undone = []

    @step
    async def work() -> StepResponse[None, dict[str, int]]:
        raise PermanentFailure("half done", undo={"made": 3})

    @work.compensate
    async def _(undo: dict[str, int] | None) -> None:
        undone.append(undo)

    @workflow("w")
    def flow() -> None:
        work()

    with pytest.raises(ExecutionReverted, match="half done"):
        await engine.run(flow, None)
    assert undone == [{"made": 3}]


async def test_a_compensation_gets_defaults_services_and_a_thread(store):
    undone = []

    class Service:
        name = "service"

    @step
    async def work(name: str, size: int = 7) -> str:
        return name

    @work.compensate
    def _(undo: str | None, *, size: int, service: Service = inject()) -> None:
        undone.append((undo, size, service.name, step_context().attempt))

    @step
    async def fail() -> None:
        raise RuntimeError

    @workflow("w")
    def flow(name: str) -> None:
        work(name)
        work(name, size=8)
        fail()

    async with Engine(store, services={Service: Service()}) as engine:
        with pytest.raises(ExecutionReverted):
            await engine.run(flow, "x")
    assert undone == [("x", 8, "service", 1), ("x", 7, "service", 1)]


async def test_a_compensation_is_tried_again(engine, effects, faults):
    a, b = (undoable(name, effects, faults) for name in "ab")
    faults.fail("b")
    faults.fail("undo-a", times=2)

    @workflow("w")
    def flow(value: str) -> str:
        return b(a(value))

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, "x", id="e")
    assert (await engine.get("e")).steps[0].undo_attempts == 3


async def test_one_that_gives_up_does_not_stop_the_ones_before_it_and_can_be_driven_again(engine, effects, faults):
    a, b, c = (undoable(name, effects, faults) for name in "abc")
    faults.fail("c")
    faults.fail("undo-b", times=-1)

    @workflow("w")
    def flow(value: str) -> str:
        return c(b(a(value)))

    with pytest.raises(ExecutionFailed, match="Not everything could be undone"):
        await engine.run(flow, "x", id="e")
    assert effects.standing() == {"a", "b"} | {"c"} - {"c"}
    assert effects.undone() == ("c:None:xab", "a:undo-a:x")
    view = await engine.get("e")
    assert (view.status, view.steps[1].undo_state, view.steps[1].error) == (
        Status.FAILED,
        UndoState.FAILED,
        "undo-b fails on demand",
    )
    await engine.retry("e")
    assert await engine.wait("e") is Status.FAILED
    faults.fail("undo-b", times=1)
    await engine.retry("e")
    view = await engine.get("e")
    assert (view.status, view.reason, view.steps[1].undo_attempts) == (Status.REVERTED, Reason.ERROR, 2)
    assert effects.undone()[2:] == ("b:undo-b:xa",)
    with pytest.raises(WorkflowError, match="is reverted; only a failed or stranded"):
        await engine.retry("e")
    names = [event.name async for event in engine.events("e")]
    assert names.count("execution.reopened") == 2
    statuses = [event.status async for event in engine.events("e") if event.name == "execution.finished"]
    assert statuses == [Status.FAILED, Status.FAILED, Status.REVERTED]


async def test_two_who_retry_at_once_drive_it_once(engine, effects, faults):
    a, b = (undoable(name, effects, faults) for name in "ab")
    faults.fail("b")
    faults.fail("undo-a", times=3)

    @workflow("w")
    def flow(value: str) -> str:
        return b(a(value))

    with pytest.raises(ExecutionFailed):
        await engine.run(flow, "x", id="e")
    await asyncio.gather(*(engine.retry("e") for _ in range(5)))
    assert effects.undone() == ("b:None:xa", "a:undo-a:x")
    assert await engine.wait("e") is Status.REVERTED


async def test_a_compensation_that_hangs_is_interrupted(engine):
    attempts = []

    @step
    async def work() -> None: ...

    @work.compensate(retry=FAST, timeout=0.01)
    async def _(undo: None) -> None:
        attempts.append(step_context().attempt)
        if len(attempts) < 2:
            await asyncio.Event().wait()

    @step
    async def fail() -> None:
        raise RuntimeError

    @workflow("w")
    def flow() -> None:
        work()
        fail()

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, None)
    assert attempts == [1, 2]


async def test_parallel_branches_are_undone_in_parallel(engine):
    both = asyncio.Barrier(2)

    def branch(name):
        async def work() -> None: ...

        made = step(name=name)(work)

        @made.compensate
        async def _(undo: None) -> None:
            await both.wait()  # passes only if both are undone at the same time

        return made

    a, b = branch("a"), branch("b")

    @step
    async def fail() -> None:
        raise RuntimeError

    @workflow("w")
    def flow() -> None:
        parallelize(a(), b())
        fail()

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, None)


async def test_what_was_not_reached_is_not_undone(engine, effects, faults):
    a, b, c = (undoable(name, effects, faults) for name in "abc")
    faults.fail("b")

    @workflow("w")
    def flow(value: str) -> str:
        return c(b(a(value)))

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, "x", id="e")
    assert effects.undone() == ("b:None:xa", "a:undo-a:x")
    assert (await engine.get("e")).steps[2].state is StepState.SKIPPED
