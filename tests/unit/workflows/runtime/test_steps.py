"""One step: its attempts, its time, its thread, and what it may return."""

import asyncio
import threading
from contextvars import ContextVar
from dataclasses import dataclass

import pytest

from euryale.workflows import (
    Engine,
    ExecutionReverted,
    PermanentFailure,
    Retry,
    StepResponse,
    StepState,
    UndoState,
    WorkflowError,
    inject,
    step,
    step_context,
    transform,
    when,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FaultSwitch
from eventually import eventually

FAST = Retry(max_attempts=4, initial=0.001)


async def states(engine, execution_id):
    view = await engine.get(execution_id)
    return {each.id: (each.state, each.undo_state) for each in view.steps}


async def test_a_step_is_tried_as_often_as_its_policy_says(engine):
    faults = FaultSwitch()
    faults.fail("work", times=3)

    @step(retry=FAST)
    async def work(name: str) -> str:
        faults.check("work")
        return f"{name} at attempt {step_context().attempt}"

    @workflow("w")
    def flow(name: str) -> str:
        return work(name)

    assert await engine.run(flow, "tea", id="e") == "tea at attempt 4"
    assert (await engine.get("e")).steps[0].attempts == 4


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(RuntimeError("no"), 4), (PermanentFailure("no"), 1), (KeyError("no"), 1), (LookupError("no"), 4)],
)
async def test_what_may_not_be_tried_again_fails_at_once(engine, error, attempts):
    faults = FaultSwitch()
    faults.fail("work", times=-1, error=error)

    @step(retry=Retry(max_attempts=4, initial=0.001, give_up_on=(KeyError,)))
    async def work() -> None:
        faults.check("work")

    @workflow("w")
    def flow() -> None:
        work()

    with pytest.raises(ExecutionReverted, match=r"at step 'work': (KeyError: ')?no") as caught:
        await engine.run(flow, None, id="e")
    assert (caught.value.execution, caught.value.step) == ("e", "work")
    assert faults.checked["work"] == attempts
    assert (await engine.get("e")).steps[0].attempts == attempts


async def test_an_error_may_ask_for_a_longer_pause(engine):
    class BusyError(Exception):
        retry_after = 30.0

    @step(retry=FAST)
    async def work() -> None:
        raise BusyError

    @workflow("w")
    def flow() -> None:
        work()

    handle = await engine.start(flow, None)
    async for event in handle.events():
        if event.name == "step.retrying":
            assert event.due - event.at == pytest.approx(30, abs=0.5)
            assert await handle.cancel()


async def test_a_step_has_a_key_that_is_the_same_at_each_attempt(engine):
    keys = []

    @step(retry=FAST)
    async def work() -> str:
        keys.append(step_context().idempotency_key)
        if len(keys) < 2:
            raise RuntimeError
        return step_context().workflow

    @workflow("w")
    def flow() -> str:
        return work()

    assert await engine.run(flow, None, id="e") == "w"
    assert keys == ["e/work", "e/work"]


def test_there_is_no_context_where_no_step_runs():
    with pytest.raises(WorkflowError, match="where no step runs"):
        step_context()


async def test_a_timeout_interrupts_a_coroutine_and_is_retried(engine):
    interrupted = []

    @step(retry=Retry(max_attempts=2, initial=0.001), timeout=0.01)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            interrupted.append(step_context().attempt)
            raise

    @workflow("w")
    def flow() -> None:
        hang()

    with pytest.raises(ExecutionReverted, match=r"took longer than 0.01 s"):
        await engine.run(flow, None, id="e")
    assert interrupted == [1, 2]
    assert await states(engine, "e") == {"hang": (StepState.TIMED_OUT, UndoState.NONE)}


async def test_a_timeout_of_the_steps_own_is_an_error_like_any_other(engine):
    @step(timeout=60)
    async def work() -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    @workflow("w")
    def flow() -> None:
        work()

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, None, id="e")
    assert await states(engine, "e") == {"work": (StepState.FAILED, UndoState.NONE)}


async def test_hung_threads_are_abandoned_and_hold_back_nobody(engine):
    release = threading.Event()
    late = []

    @step(timeout=0.02)
    def hang() -> str:
        release.wait()
        late.append("returned")
        return "late"

    @step
    def quick(name: str) -> str:
        return name

    @workflow("hung")
    def hung() -> str:
        return hang()

    @workflow("healthy")
    def healthy(name: str) -> str:
        return quick(name)

    many = 50  # more than any pool of the event loop has
    handles = [await engine.start(hung, None, id=f"h{at}") for at in range(many)]
    assert await engine.run(healthy, "tea") == "tea"
    for handle in handles:
        with pytest.raises(ExecutionReverted, match="took longer than"):
            await handle.result()
    release.set()
    await eventually(lambda: len(late) == many)
    assert await states(engine, "h0") == {"hang": (StepState.TIMED_OUT, UndoState.NONE)}


async def test_a_plain_function_runs_in_a_thread_with_the_callers_context(engine):
    names = ContextVar("names", default="nobody")
    seen = []

    @step
    def work() -> str:
        seen.append((threading.current_thread() is threading.main_thread(), names.get(), step_context().step))
        return "done"

    @workflow("w")
    def flow() -> str:
        return work()

    names.set("ann")
    assert await engine.run(flow, None) == "done"
    assert seen == [(False, "ann", "work")]


async def test_a_plain_function_may_return_something_to_await(engine):
    @step
    async def inner() -> str:
        return "awaited"

    @step
    def work() -> str:
        return inner.function()

    @workflow("w")
    def flow() -> str:
        return work()

    assert await engine.run(flow, None) == "awaited"


@pytest.mark.parametrize("raised", [StopIteration("odd"), SystemExit("odd"), KeyboardInterrupt("odd")])
async def test_whatever_a_thread_raises_is_a_failure_of_the_step(engine, raised):
    @step
    def work() -> None:
        raise raised

    @workflow("w")
    def flow() -> None:
        work()

    with pytest.raises(ExecutionReverted, match="odd"):
        await engine.run(flow, None)


async def test_a_cancellation_that_nobody_asked_for_is_a_failure_of_the_step(engine):
    @step
    async def work() -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    @workflow("w")
    def flow() -> None:
        work()

    with pytest.raises(ExecutionReverted, match="awaited something that was cancelled"):
        await engine.run(flow, None, id="e")
    assert await states(engine, "e") == {"work": (StepState.FAILED, UndoState.NONE)}


async def test_an_error_that_cannot_even_be_printed_is_kept(engine):
    class OddError(Exception):
        def __str__(self):
            raise ValueError

    class LongError(Exception):
        pass

    errors = [OddError(), LongError("x" * 10_000_000), LongError("lone \udcff surrogate")]

    @step
    async def work(which: int) -> None:
        raise errors[which]

    @workflow("w")
    def flow(which: int) -> None:
        work(which)

    for which, message in enumerate(["its text cannot be had", r"x… \(10000000 characters\)", r"lone \\udcff surr"]):
        with pytest.raises(ExecutionReverted, match=message):
            await engine.run(flow, which)


# --- what goes in and what comes out ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thing:
    name: str
    parts: tuple[int, ...] = ()


async def test_values_pass_through_attributes_transforms_and_choices(engine):
    @step
    async def make(name: str) -> Thing:
        return Thing(name, (1, 2, 3))

    @step
    async def weigh(parts: list[int], unit: str = "kg") -> str:
        return f"{sum(parts)} {unit}"

    @workflow("w")
    def flow(name: str) -> str:
        thing = make(name)
        heavy = when(thing.parts[2], lambda last: last > 2).then(lambda: weigh([thing.parts[0], 9]))
        light = heavy.otherwise(lambda: weigh.named("light")([], unit="g"))
        return transform(lambda name, weight: f"{name}: {weight}", thing.name, light)

    assert await engine.run(flow, "tea", id="e") == "tea: 10 kg"
    assert (await states(engine, "e"))["light"] == (StepState.SKIPPED, UndoState.NONE)


class Clock:
    def read(self):
        return "noon"


async def test_services_are_injected_by_their_type(store):
    @step
    async def read(*, clock: Clock = inject()) -> str:
        return clock.read()

    @workflow("w")
    def flow() -> str:
        return read()

    async with Engine(store, services={Clock: Clock()}) as engine:
        assert await engine.run(flow, None) == "noon"
    async with Engine(store) as engine:
        with pytest.raises(ExecutionReverted, match="Nothing provides Clock"):
            await engine.run(flow, None)


def fail(_: object) -> None:
    raise ValueError("from the transform")


@step
async def echo(value: str) -> str:
    return value


@workflow("echo-child")
def echo_child(value: str) -> str:
    return echo(value)


POSITIONS = {
    "argument": lambda value: echo(transform(fail, value)),
    "attribute": lambda value: echo(echo(value).nothing),
    "predicate": lambda value: when(value, fail).then(lambda: echo(value)).otherwise(lambda: echo(value)),
    "child": lambda value: echo_child(transform(fail, value)),
    "result": lambda value: transform(fail, echo(value)),
}


@pytest.mark.parametrize("position", POSITIONS)
async def test_an_error_in_a_function_of_the_composers_undoes_the_execution(engine, effects, position):
    @step
    async def first(value: str) -> str:
        await effects.do("first")
        return value

    @first.compensate
    async def _(undo: str | None) -> None:
        await effects.undo("first")

    def compose(value: str) -> str:
        return POSITIONS[position](first(value))

    flow = workflow("w")(compose)
    with pytest.raises(ExecutionReverted, match=r"from the transform|has no attribute 'nothing'"):
        await engine.run(flow, "x")
    assert [(each.kind, each.name) for each in effects] == [("do", "first"), ("undo", "first")]


@pytest.mark.parametrize("output", [object(), "not a number", {1, object()}])
async def test_an_output_that_cannot_travel_fails_the_step_which_is_undone_with_it(engine, output):
    undone = []

    @step
    async def work() -> int:
        return output

    @work.compensate
    async def _(undo: object) -> None:
        undone.append(undo)

    @workflow("w")
    def flow() -> int:
        return work()

    with pytest.raises(ExecutionReverted, match="the output of step 'work'"):
        await engine.run(flow, None)
    assert undone == [output]


@pytest.mark.parametrize("where", ["response", "permanent failure"])
async def test_an_undo_value_that_cannot_travel_fails_the_step(engine, where):
    undone = []

    @step
    async def work() -> StepResponse[str, int]:
        if where == "response":
            return StepResponse("done", undo="not a number")
        raise PermanentFailure("no", undo="not a number")

    @work.compensate
    async def _(undo: int | None) -> None:
        undone.append(undo)

    @workflow("w")
    def flow() -> str:
        return work()

    with pytest.raises(ExecutionReverted, match="what undoes step 'work' would not be readable as int"):
        await engine.run(flow, None)
    assert undone == ["not a number"]


async def test_a_result_that_is_not_what_the_workflow_promises_undoes_it(engine):
    @workflow("w")
    def flow(value: str) -> int:
        return echo(value)

    with pytest.raises(ExecutionReverted, match="the result of w would not be readable as int"):
        await engine.run(flow, "x")


async def test_an_input_that_is_not_what_the_workflow_takes_starts_nothing(engine):
    @workflow("w")
    def flow(value: int) -> int:
        return value

    with pytest.raises(WorkflowError, match="the input of w would not be readable as int"):
        await engine.start(flow, "x", id="e")
    assert await engine.list() == ()


async def test_a_workflow_without_steps_ends_at_once(engine):
    @workflow("w")
    def flow(value: str) -> str:
        return value

    assert await engine.run(flow, "x") == "x"


async def test_a_step_is_given_the_engine_that_runs_it():
    @step
    async def start_other(value: str, *, engine: Engine = inject()) -> str:
        handle = await engine.start(inner, value, id="inner")
        return await handle.result()

    @step
    async def shout(value: str) -> str:
        return value.upper()

    @workflow("inner")
    def inner(value: str) -> str:
        return shout(value)

    @workflow("outer")
    def outer(value: str) -> str:
        return start_other(value)

    async with Engine(MemoryStore()) as engine:
        assert await engine.run(outer, "x") == "X"


async def test_errors_say_what_was_looked_up_and_where_it_was_computed(engine):
    @step
    async def look_up(value: str) -> str:
        return {"a": "b"}[value]

    @workflow("looked-up")
    def looked_up(value: str) -> str:
        return look_up(value)

    @workflow("computed")
    def computed(value: str) -> str:
        return transform(lambda value: {"a": "b"}[value], value)

    with pytest.raises(ExecutionReverted, match="at step 'look-up': KeyError: 'x'"):
        await engine.run(looked_up, "x")
    with pytest.raises(ExecutionReverted, match=r"The result of computed cannot be computed: KeyError\('x'\)"):
        await engine.run(computed, "x")
