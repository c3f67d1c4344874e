"""Going on without what has failed, hooks, and workflows that are on their own."""

import asyncio

import pytest

from euryale.workflows import (
    DefinitionError,
    Engine,
    ExecutionReverted,
    Hook,
    PermanentFailure,
    Status,
    UnknownWorkflowError,
    detach,
    parallelize,
    step,
    transform,
    workflow,
)
from eventually import eventually


def made(effects, name, *, fails=False):
    """Return a step that does something, or fails, and can be undone."""

    @step(name=name)
    async def work(value: str | None) -> str:
        await effects.do(name)
        if fails:
            raise PermanentFailure(f"{name} fails", undo=f"half of {name}")
        return f"{value}.{name}"

    @work.compensate
    async def _(undo: str | None) -> None:
        await effects.undo(f"{name}:{undo}")

    return work


async def test_the_workflow_goes_on_without_a_step_that_may_fail(engine, effects):
    @workflow("w")
    def flow(value: str) -> list[str | None]:
        first = made(effects, "a")(value)
        second = made(effects, "b", fails=True).continue_on_failure()(first)
        return [second, made(effects, "c")(second)]

    handle = await engine.start(flow, "x")
    assert await handle.result() == [None, "None.c"]
    view = await handle.view()
    assert (view.status, view.partial) == (Status.SUCCEEDED, True)
    assert [each.state for each in view.steps] == ["succeeded", "failed", "succeeded"]
    assert "b fails" in view.steps[1].error


async def test_what_was_gone_on_without_is_undone_with_the_rest(engine, effects):
    @workflow("w")
    def flow(value: str) -> str:
        second = made(effects, "b", fails=True).continue_on_failure()(made(effects, "a")(value))
        return made(effects, "c", fails=True)(second)

    with pytest.raises(ExecutionReverted, match="c fails"):
        await engine.run(flow, "x")
    assert effects.undone() == ("c:half of c", "b:half of b", "a:x.a")


async def test_a_step_that_succeeds_is_not_partial(engine, effects):
    @workflow("w")
    def flow(value: str) -> str | None:
        return made(effects, "a").continue_on_failure()(value)

    handle = await engine.start(flow, "x")
    assert await handle.result() == "x.a"
    assert not (await handle.view()).partial


@pytest.mark.parametrize("fails", [True, False])
async def test_it_skips_to_a_later_node(engine, effects, fails):
    @workflow("w")
    def flow(value: str) -> list[str | None]:
        first = made(effects, "a", fails=fails).skip_to("d")(value)
        second = made(effects, "b")(first)
        third, _ = parallelize(made(effects, "c")(second), made(effects, "e")(second))
        return [first, second, third, made(effects, "d")(third)]

    handle = await engine.start(flow, "x")
    result = await handle.result()
    assert result == ([None, None, None, "None.d"] if fails else ["x.a", "x.a.b", "x.a.b.c", "x.a.b.c.d"])
    states = {each.id: each.state for each in (await handle.view()).steps}
    assert states["b"] == ("skipped" if fails else "succeeded")


async def test_what_was_skipped_is_not_undone(engine, effects):
    @workflow("w")
    def flow(value: str) -> str:
        first = made(effects, "a", fails=True).skip_to("d")(value)
        made(effects, "b")(first)
        return made(effects, "d", fails=True)(first)

    with pytest.raises(ExecutionReverted):
        await engine.run(flow, "x")
    assert effects.undone() == ("d:half of d", "a:half of a")


async def test_it_goes_on_from_there_after_a_restart(store, effects):
    gate = asyncio.Event()

    @step
    async def wait(value: str | None) -> str:
        await gate.wait()
        return "late"

    @workflow("w")
    def flow(value: str) -> list[str | None]:
        first = made(effects, "a", fails=True).skip_to("wait")(value)
        return [made(effects, "b")(first), wait(first)]

    async with Engine(store, workflows=[flow]) as engine:
        await engine.start(flow, "x", id="e")
        await eventually(lambda: len(store._entries["e"]) == 1)
    gate.set()
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.result("e") == [None, "late"]
        assert (await engine.get("e")).partial
    assert effects.done() == ("a",)


def test_it_skips_only_to_what_follows_in_its_sequence(effects):
    a, b = made(effects, "a"), made(effects, "b")
    with pytest.raises(DefinitionError, match="'b' skips to 'a', which does not follow it"):

        @workflow("w")
        def flow(value: str) -> str | None:
            return b.skip_to("a")(a(value))


async def test_a_hook_without_handlers_does_nothing(engine):
    placed = Hook("placed", str)

    @workflow("w")
    def flow(value: str) -> dict[str, str]:
        return placed(value)

    assert await engine.run(flow, "x") == {}


async def test_every_handler_of_a_hook_is_called_in_order_and_undone_in_reverse(engine, effects):
    placed = Hook("placed", str)

    @workflow("w")
    def flow(value: str) -> dict[str, str]:
        return placed(transform(lambda text: f"<{text}>", value))

    for name in ("erp", "mail", "stock"):
        placed.attach(made(effects, name))
    assert await engine.run(flow, "x", id="e") == {"erp": "<x>.erp", "mail": "<x>.mail", "stock": "<x>.stock"}
    assert effects.done() == ("erp", "mail", "stock")
    assert [each.id for each in (await engine.get("e")).steps][1] == "hook:placed[erp]"

    placed.attach(made(effects, "broken", fails=True))
    with pytest.raises(ExecutionReverted, match="broken fails"):
        await engine.run(flow, "y")
    assert [name.split(":")[0] for name in effects.undone()] == ["broken", "stock", "mail", "erp"]


async def test_handlers_can_be_added_and_must_not_be_lost_while_executions_are_under_way(store, effects):
    placed = Hook("placed", str)
    hang = asyncio.Event()

    @step
    async def slow(value: str) -> str:
        await hang.wait()
        return value

    @workflow("w")
    def flow(value: str) -> dict[str, str]:
        return placed(value)

    first = made(effects, "first")
    placed.attach(first)
    placed.attach(slow)
    async with Engine(store, workflows=[flow]) as engine:
        await engine.start(flow, "x", id="e")
        await eventually(lambda: len(store._entries["e"]) == 1)
    placed.detach(first)
    placed.attach(made(effects, "added"))
    hang.set()
    async with Engine(store, workflows=[flow]) as engine:
        with pytest.raises(UnknownWorkflowError, match="has no handler first any more"):
            await engine.result("e")
        placed.attach(first)
        await engine.retry("e")
        assert await engine.result("e") == {"slow": "x", "added": "x.added", "first": "x.first"}
    assert effects.done() == ("first", "added")


def test_a_handler_takes_one_parameter_and_its_name_is_its_own(effects):
    placed = Hook("placed", str)
    placed.attach(made(effects, "a"))
    with pytest.raises(DefinitionError, match="has a handler 'a'"):
        placed.attach(made(effects, "a"))

    @step
    async def two(a: str, b: str) -> str:
        return a + b

    with pytest.raises(DefinitionError, match="cannot handle"):
        placed.attach(two)


async def test_a_detached_workflow_is_on_its_own(engine, effects):
    gate = asyncio.Event()

    @step
    async def wait(value: str) -> str:
        await gate.wait()
        return value

    @workflow("report")
    def report(value: str) -> str:
        return made(effects, "report")(wait(value))

    @workflow("w")
    def flow(value: str) -> str:
        return detach(report, value)

    @workflow("undone")
    def undone(value: str) -> str:
        return made(effects, "b", fails=True)(detach(report, value))

    detached = await engine.run(flow, "x", id="e")
    assert detached == "e::detach:report"
    with pytest.raises(ExecutionReverted):
        await engine.run(undone, "y", id="u")
    gate.set()
    assert await engine.result(detached) == "x.report"
    assert await engine.result("u::detach:report") == "y.report"
    view = await engine.get(detached)
    assert (view.parent_id, view.status) == ("", Status.SUCCEEDED)
