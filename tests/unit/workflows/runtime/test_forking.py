"""Running a former execution again: the whole, or from a step on."""

import pytest

from euryale.workflows import (
    Engine,
    ExecutionReverted,
    IdempotencyError,
    Origin,
    Signal,
    Status,
    UnknownExecutionError,
    WorkflowError,
    emit,
    for_each,
    parallelize,
    step,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.testing import FaultSwitch
from eventually import eventually


class World:
    def __init__(self, effects):
        self.effects, self.faults = effects, FaultSwitch()

    def made(self, name):
        @step(name=name)
        async def work(value: object) -> str:
            self.faults.check(name)
            await self.effects.do(name)
            return f"{value}.{name}"

        @work.compensate
        async def _(undo: str | None) -> None:
            await self.effects.undo(name)

        return work


@pytest.fixture
def world(effects):
    return World(effects)


@pytest.fixture
def flow(world):
    a, b, c, d, e = (world.made(name) for name in "abcde")

    @workflow("inner")
    def inner(value: str) -> str:
        return d(value)

    @workflow("w")
    def w(value: str) -> list[object]:
        first = a(value)
        emit("first", first)
        left, right = parallelize(b(first), inner(first))
        many = for_each(transform(lambda left: [left, left], left), e, concurrency=1)
        chosen = when(many, bool).then(lambda: c(right)).otherwise(lambda: a.named("never")(right))
        return [left, many, chosen, c.named("last")(chosen)]

    return w


WHOLE = ["x.a.b", ["x.a.b.e", "x.a.b.e"], "x.a.d.c", "x.a.d.c.c"]


async def test_the_whole_is_run_again_with_the_same_input(engine, flow, effects):
    await engine.run(flow, "x", id="e")
    handle = await engine.rerun("e", id="again")
    assert await handle.result() == WHOLE
    assert effects.done().count("a") == 2
    assert await (await engine.rerun("e", id="again")).result() == WHOLE
    assert effects.done().count("a") == 2


async def test_what_is_done_again_says_of_what(engine, flow):
    await engine.run(flow, "x", id="e")
    await (await engine.rerun("e", id="again")).result()
    await (await engine.fork("again", "last", id="f")).result()
    await (await engine.fork("f", "a", id="g")).result()
    origins = [(await engine.get(each)).origin for each in ("e", "again", "f", "g")]
    assert origins == [None, Origin("e"), Origin("again", "last"), Origin("f", "a")]
    assert [(await engine.history(each)).origin for each in ("e", "again", "f", "g")] == origins
    assert (await engine.history("f")).moments[0].name == "execution.forked"
    assert (await engine.history("f")).document()["origin"] == {"execution": "again", "step": "last"}
    for form in ("svg", "mermaid", "json"):
        assert "forked from again at last" in await engine.graph("f", form)
        assert "re-run of e" in await engine.graph("again", form)
        assert "forked" not in await engine.graph("e", form)


async def test_what_is_done_again_says_so_after_a_restart(store, flow):
    async with Engine(store, workflows=[flow]) as engine:
        await engine.run(flow, "x", id="e")
        await engine.fork("e", "last", id="f")
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.result("f") == WHOLE
        assert (await engine.get("f")).origin == Origin("e", "last")


@pytest.mark.parametrize(
    ("from_step", "done"),
    [
        ("last", "c"),
        ("c", "cc"),
        ("each:e", "cceeabd"[:4]),
        ("b", "bcceed"[:5]),
        ("inner", "dcceeb"[:5]),
        ("a", "abccdee"),
    ],
)
async def test_what_comes_before_a_step_is_taken_over(engine, flow, effects, from_step, done):
    assert await engine.run(flow, "x", id="e") == WHOLE
    before = len(effects.done())
    handle = await engine.fork("e", from_step, id="f")
    assert await handle.result() == WHOLE
    assert sorted(effects.done()[before:]) == sorted(done)


async def test_a_node_is_known_by_its_whole_id(engine, effects, world):
    a, b = world.made("a"), world.made("b")
    go = Signal("go[1]", str)

    @workflow("inner[x]")
    def inner(value: str) -> str:
        return a(value)

    @workflow("w")
    def w(value: str) -> list[object]:
        return [wait_for(go), inner(value), for_each([value], inner), b(value)]

    handle = await engine.start(w, "x", id="e")
    await engine.signal("e", go, "y")
    result = await handle.result()
    fork = await engine.fork("e", "b", id="f")
    assert await fork.result() == result
    assert effects.done() == ("a", "a", "b", "b")


async def test_what_was_taken_over_is_not_undone(engine, flow, effects, world):
    await engine.run(flow, "x", id="e")
    world.faults.fail("c", times=-1)
    with pytest.raises(ExecutionReverted):
        await (await engine.fork("e", "b")).result()
    assert sorted(effects.undone()) == ["b", "c", "e", "e"]


async def test_its_events_are_its_own(store, flow):
    delivered = []

    async def deliver(event):
        delivered.append(event.execution_id)

    async with Engine(store, workflows=[flow], deliver=deliver) as engine:
        await engine.run(flow, "x", id="e")
        await (await engine.fork("e", "last", id="f")).result()
        await eventually(lambda: sorted(delivered) == ["e", "f"])


async def test_one_that_goes_on_after_a_restart(store, flow, effects, world):
    async with Engine(store, workflows=[flow]) as engine:
        await engine.run(flow, "x", id="e")
        world.faults.fail("last", times=0)
        await engine.fork("e", "last", id="f")
    async with Engine(store, workflows=[flow]) as engine:
        assert await engine.result("f") == WHOLE
    assert effects.done().count("a") == 1


async def test_what_was_undone_is_not_taken_over(engine, flow, world):
    world.faults.fail("last", times=1)
    world.faults.fail("c", times=0)
    failing = world.made("last")

    @workflow("fails")
    def fails(value: str) -> str:
        return failing(world.made("a")(value))

    with pytest.raises(ExecutionReverted):
        await engine.run(fails, "x", id="e")
    with pytest.raises(WorkflowError, match="Step 'a' was undone"):
        await engine.fork("e", "last")
    assert await (await engine.fork("e", "a")).result() == "x.a.last"


async def test_bad_requests_are_told(engine, flow):
    await engine.run(flow, "x", id="e")
    with pytest.raises(WorkflowError, match="has no step 'nothing'"):
        await engine.fork("e", "nothing")
    with pytest.raises(IdempotencyError, match="There is an execution 'e'"):
        await engine.fork("e", "last", id="e")
    for asked in (engine.fork("nobody", "last"), engine.rerun("nobody")):
        with pytest.raises(UnknownExecutionError):
            await asked
    assert await engine.wait("e") is Status.SUCCEEDED


async def test_the_same_again_under_the_same_id_joins(engine, flow, effects):
    await engine.run(flow, "x", id="e")
    rerun = await engine.rerun("e", id="again")
    assert await (await engine.rerun("e", id="again")).result() == await rerun.result()
    done = len(effects)
    assert (await engine.rerun("e", id="again")).id == "again"
    assert len(effects) == done

    forked = await engine.fork("e", "last", id="forked")
    await forked.result()
    done = len(effects)
    assert await (await engine.fork("e", "last", id="forked")).result() == await forked.result()
    assert len(effects) == done


async def test_an_id_of_something_else_is_refused(engine, flow):
    await engine.run(flow, "x", id="e")
    await (await engine.rerun("e", id="rerun")).result()
    await (await engine.fork("e", "a", id="forked")).result()
    with pytest.raises(IdempotencyError, match="execution 'e', which is another than asked for: re-run of e"):
        await engine.rerun("e", id="e")
    with pytest.raises(IdempotencyError, match="'forked', which is another than asked for: re-run of e"):
        await engine.rerun("e", id="forked")
    with pytest.raises(IdempotencyError, match="'rerun', which is another than asked for: forked from e at a"):
        await engine.fork("e", "a", id="rerun")
    with pytest.raises(IdempotencyError, match="'forked', which is another than asked for: forked from e at b"):
        await engine.fork("e", "b", id="forked")
