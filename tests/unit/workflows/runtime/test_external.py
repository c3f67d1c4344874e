"""Steps that are completed from outside: before, while and after they wait, twice, by a failure, after a restart."""

import asyncio
from dataclasses import dataclass

import pytest

from euryale.workflows import (
    LATER,
    Engine,
    ExecutionReverted,
    Hook,
    PayloadError,
    PermanentFailure,
    Status,
    StepResponse,
    StepState,
    UnknownExecutionError,
    for_each,
    step,
    step_context,
    workflow,
)
from euryale.workflows.testing import FaultSwitch


@dataclass(frozen=True)
class Image:
    digest: str


class Builds:
    def __init__(self, effects, external_timeout=None):
        self.tokens = asyncio.Queue()
        self.before_return = None
        self.undone = []

        @step(completes="externally", external_timeout=external_timeout)
        async def build(commit: str) -> StepResponse[Image, str]:
            token = step_context().token
            if self.before_return is not None:
                await self.before_return(token)
            self.tokens.put_nowait(token)
            return StepResponse(LATER, undo=f"job-{commit}")

        @build.compensate
        async def _(undo: str | None) -> None:
            await effects.undo(str(undo))

        @step
        async def deploy(image: Image) -> str:
            faults.check("deploy")
            return f"deployed {image.digest}"

        faults = self.faults = FaultSwitch()

        @workflow("w")
        def flow(commit: str) -> str:
            return deploy(build(commit))

        self.flow = flow


@pytest.fixture
def builds(effects):
    return Builds(effects)


async def waiting(engine, execution_id):
    async for event in engine.events(execution_id):
        if event.name == "step.waiting":
            return


async def test_it_waits_and_goes_on_with_what_it_is_told(engine, builds):
    handle = await engine.start(builds.flow, "abc", id="e")
    await waiting(engine, "e")
    assert await handle.status() is Status.WAITING
    assert (await handle.view()).steps[0].state is StepState.WAITING
    assert await engine.complete("e/build", Image("sha"))
    assert await handle.result() == "deployed sha"


async def test_it_may_be_told_before_it_waits(engine, builds):
    async def tell(token):
        assert await engine.complete(token, Image("early"))

    builds.before_return = tell
    assert await engine.run(builds.flow, "abc") == "deployed early"


async def test_the_first_word_counts(engine, builds):
    handle = await engine.start(builds.flow, "abc", id="e")
    token = await builds.tokens.get()
    answers = await asyncio.gather(
        engine.complete(token, Image("first")), engine.complete(token, Image("second")), engine.fail(token, "third")
    )
    assert answers == [True, False, False]
    assert await handle.result() == "deployed first"
    assert not await engine.complete(token, Image("late"))


@pytest.mark.parametrize("error", ["no space left", PermanentFailure("no space left", hint="Free some.")])
async def test_it_may_be_told_that_it_failed(engine, builds, effects, error):
    handle = await engine.start(builds.flow, "abc")
    assert await engine.fail(await builds.tokens.get(), error)
    with pytest.raises(ExecutionReverted, match="at step 'build': no space left"):
        await handle.result()
    assert effects.undone() == ("job-abc",)


async def test_a_later_failure_undoes_it_with_what_it_left_before_it_waited(engine, builds, effects):
    builds.faults.fail("deploy")
    handle = await engine.start(builds.flow, "abc")
    await engine.complete(await builds.tokens.get(), Image("sha"))
    with pytest.raises(ExecutionReverted, match="at step 'deploy'"):
        await handle.result()
    assert effects.undone() == ("job-abc",)


async def test_an_answer_of_another_type_is_refused_and_the_step_waits_on(engine, builds):
    handle = await engine.start(builds.flow, "abc")
    token = await builds.tokens.get()
    with pytest.raises(PayloadError, match=f"the completion of {token} would not be readable as Image"):
        await engine.complete(token, "no image")
    assert await engine.complete(token, Image("sha"))
    await handle.result()


async def test_where_the_workflow_is_not_known_an_answer_of_another_type_fails_the_step(store, builds, effects):
    async with Engine(store) as engine:
        await engine.start(builds.flow, "abc", id="e")
        await waiting(engine, "e")
    async with Engine(store) as other:
        assert await other.complete("e/build", "no image")
    async with Engine(store, workflows=[builds.flow]) as engine:
        with pytest.raises(ExecutionReverted, match="the completion of build cannot be read"):
            await engine.result("e")
    assert effects.undone() == ("job-abc",)


async def test_it_does_not_wait_longer_than_it_should(store, effects):
    builds = Builds(effects, external_timeout=0.01)
    async with Engine(store) as engine:
        with pytest.raises(ExecutionReverted, match=r"no completion came within 0.01 s"):
            await engine.run(builds.flow, "abc", id="e")
        assert (await engine.get("e")).steps[0].state is StepState.TIMED_OUT
    assert effects.undone() == ("job-abc",)


@pytest.mark.parametrize("when", ["before the restart", "while nobody drives it", "after the restart"])
async def test_it_waits_on_after_a_restart(store, builds, when):
    async with Engine(store) as engine:
        await engine.start(builds.flow, "abc", id="e")
        await waiting(engine, "e")
        if when == "before the restart":
            await engine.close()
            await engine.open()
            assert await engine.complete("e/build", Image("sha"))
    if when == "while nobody drives it":
        async with Engine(store) as other:  # it knows nothing of the workflow
            assert await other.complete("e/build", Image("sha"))
    async with Engine(store, workflows=[builds.flow]) as engine:
        if when == "after the restart":
            assert await engine.complete("e/build", Image("sha"))
        assert await engine.result("e") == "deployed sha"
    assert builds.tokens.qsize() == 1  # it was not begun again


async def test_an_answer_that_was_kept_but_not_heard_is_heard_after_a_restart(store, builds):
    async with Engine(store) as engine:
        await engine.start(builds.flow, "abc", id="e")
        await waiting(engine, "e")
        engine._worker._live["e"].take = bool  # the process dies before it hands it over
        assert await engine.complete("e/build", Image("sha"))
    async with Engine(store, workflows=[builds.flow]) as engine:
        assert await engine.result("e") == "deployed sha"


@pytest.mark.parametrize("token", ["", "nonsense", "nobody/build", "e/deploy", "e/nothing", "/build"])
async def test_a_token_that_is_none_is_refused(engine, builds, token):
    await engine.start(builds.flow, "abc", id="e")
    with pytest.raises(UnknownExecutionError):
        await engine.complete(token, Image("sha"))


async def test_a_step_that_is_begun_again_after_a_crash_has_the_same_token(store, builds):
    async def die(_):
        await asyncio.Event().wait()

    builds.before_return = die
    async with Engine(store) as engine:
        handle = await engine.start(builds.flow, "abc", id="e")
        async for event in handle.events():
            if event.name == "step.started":
                break
        assert await engine.complete("e/build", Image("sha"))
    builds.before_return = None
    async with Engine(store, workflows=[builds.flow]) as engine:
        assert await engine.result("e") == "deployed sha"


@pytest.mark.parametrize(
    ("completes", "returned", "message"),
    [
        ("externally", 5, "completes externally, and returned int. Return LATER"),
        ("returning", LATER, "returned LATER, and nobody can complete it"),
    ],
)
async def test_a_step_that_is_not_sure_when_it_is_done_fails(engine, effects, completes, returned, message):
    @step(completes=completes)
    async def unsure(value: str) -> StepResponse[str, str]:
        return StepResponse(returned, undo="what it did")

    @unsure.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(str(undo))

    @workflow("unsure")
    def flow(value: str) -> str:
        return unsure(value)

    with pytest.raises(ExecutionReverted, match=message):
        await engine.run(flow, "x")
    assert effects.undone() == ("what it did",)


async def test_items_and_handlers_are_completed_from_outside_too(engine):
    tokens: asyncio.Queue[str] = asyncio.Queue()
    hook = Hook("asked", str)

    @step(completes="externally")
    async def ask(value: str) -> str:
        tokens.put_nowait(step_context().token)
        return LATER

    hook.attach(ask)

    @workflow("asked")
    def flow(value: str) -> tuple[list[str], dict[str, str]]:
        return for_each(["a", "b"], ask), hook(value)

    handle = await engine.start(flow, "x", id="e")
    for _ in range(3):
        token = await tokens.get()
        assert await engine.complete(token, f"done {token}")
    items = ["done e/each:ask[0]", "done e/each:ask[1]"]
    assert await handle.result() == (items, {"ask": "done e/hook:asked[ask]"})
    with pytest.raises(UnknownExecutionError, match="is no token"):
        await engine.complete("e/hook:asked[nobody]", "x")
