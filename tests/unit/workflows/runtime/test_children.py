"""Workflows inside of workflows: executions of their own, awaited, and undone with their parents."""

import asyncio
from contextlib import suppress

import pytest

from euryale.workflows import (
    ONCE,
    Engine,
    ExecutionCancelled,
    ExecutionFailed,
    ExecutionQuery,
    ExecutionReverted,
    IdempotencyError,
    Reason,
    Status,
    UndoState,
    UnknownExecutionError,
    parallelize,
    sleep,
    step,
    workflow,
)
from euryale.workflows.record.entry import Message
from euryale.workflows.testing import FaultSwitch
from eventually import eventually


class Family:
    """A parent that calls a child that calls a grandchild."""

    def __init__(self, effects):
        self.faults = faults = FaultSwitch()
        self.release = asyncio.Event()
        self.release.set()
        self.runs = asyncio.Event()

        def made(name):
            async def work(value: str) -> str:
                if name == "grandchild":
                    self.runs.set()
                    await self.release.wait()
                faults.check(name)
                await effects.do(name)
                return f"{value}>{name}"

            made = step(name=f"do-{name}")(work)

            @made.compensate(retry=ONCE)
            async def _(undo: str | None) -> None:
                faults.check(f"undo-{name}")
                await effects.undo(name)

            return made

        before, deep, own, after = (made(name) for name in ("before", "grandchild", "child", "after"))

        @workflow("grandchild")
        def grandchild(value: str) -> str:
            return deep(value)

        @workflow("child")
        def child(value: str) -> str:
            return own(grandchild(value))

        @workflow("parent")
        def parent(value: str) -> str:
            return after(child(before(value)))

        self.parent, self.child, self.grandchild = parent, child, grandchild


@pytest.fixture
def family(effects):
    return Family(effects)


async def all_statuses(engine):
    return {each.id: each.status for each in await engine.list()}


async def test_a_child_is_an_execution_of_its_own(engine, family):
    assert await engine.run(family.parent, "x", id="e") == "x>before>grandchild>child>after"
    assert await all_statuses(engine) == dict.fromkeys(("e", "e::child", "e::child::grandchild"), Status.SUCCEEDED)
    child = await engine.get("e::child")
    assert (child.parent_id, child.workflow) == ("e", "child")
    assert [each.id for each in await engine.list(ExecutionQuery(parent_id=""))] == ["e"]


async def test_a_child_that_succeeded_is_undone_with_its_parent(engine, family, effects):
    family.faults.fail("after")
    with pytest.raises(ExecutionReverted, match="at step 'do-after'"):
        await engine.run(family.parent, "x", id="e")
    assert effects.undone() == ("after", "child", "grandchild", "before")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}
    child = await engine.get("e::child")
    assert (child.reason, child.error.error) == (Reason.CANCELLED, "workflows.reverted_with_parent")


async def test_a_child_that_fails_fails_its_parent(engine, family, effects):
    family.faults.fail("child")
    with pytest.raises(ExecutionReverted, match="at step 'child': child: child fails on demand"):
        await engine.run(family.parent, "x", id="e")
    assert effects.undone() == ("child", "grandchild", "before")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}


async def test_a_child_that_runs_is_cancelled_with_its_parent(engine, family, effects):
    family.release.clear()
    handle = await engine.start(family.parent, "x", id="e")
    await family.runs.wait()
    assert await handle.cancel()
    with pytest.raises(ExecutionCancelled):
        await handle.result()
    assert effects.undone() == ("grandchild", "before")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}


async def test_a_child_that_is_cancelled_by_itself_fails_its_parent(engine, family, effects):
    family.release.clear()
    handle = await engine.start(family.parent, "x", id="e")
    await family.runs.wait()
    assert await engine.cancel("e::child")
    with pytest.raises(ExecutionReverted, match="at step 'child': child: It was cancelled"):
        await handle.result()
    assert effects.undone() == ("grandchild", "before")


async def test_a_child_is_cancelled_at_the_very_moment_of_its_creation(engine, family, effects):
    """The parent is interrupted while the commit that creates the child is on its way."""
    family.release.clear()
    submit, worker = engine._tools.writer.submit, engine._worker

    def submit_and_cancel(commit, told=None, **options):
        written = submit(commit, told, **options)
        if any(row.parent_id == "e" for row in commit.create):
            assert worker._live["e"].take(cancel_message)
        return written

    cancel_message = Message("e", "cancel", "", b"null", 0.0)
    engine._tools.writer.submit = submit_and_cancel
    with pytest.raises(ExecutionCancelled):
        await engine.run(family.parent, "x", id="e")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}
    assert effects.standing() == frozenset()


async def test_a_child_that_cannot_be_undone_fails_its_parent_and_is_driven_again_with_it(engine, family, effects):
    family.faults.fail("after")
    family.faults.fail("undo-grandchild", times=-1)
    with pytest.raises(ExecutionFailed):
        await engine.run(family.parent, "x", id="e")
    assert effects.undone() == ("after", "child", "before")
    assert set((await all_statuses(engine)).values()) == {Status.FAILED}
    assert (await engine.get("e")).steps[1].undo_state is UndoState.FAILED
    await engine.retry("e")
    assert await engine.wait("e") is Status.FAILED
    family.faults.fail("undo-grandchild", times=0)
    await engine.retry("e")
    assert effects.undone() == ("after", "child", "before", "grandchild")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}


async def test_a_child_that_was_mended_by_itself_counts_as_undone(engine, family):
    family.faults.fail("after")
    family.faults.fail("undo-child", times=1)
    with pytest.raises(ExecutionFailed):
        await engine.run(family.parent, "x", id="e")
    await engine.retry("e::child")
    assert await engine.wait("e::child") is Status.REVERTED
    await engine.retry("e")
    assert set((await all_statuses(engine)).values()) == {Status.REVERTED}


async def test_parent_and_child_go_on_together_after_a_restart(store, family):
    family.release.clear()
    async with Engine(store) as engine:
        await engine.start(family.parent, "x", id="e")
        await family.runs.wait()
    family.release.set()
    async with Engine(store, workflows=[family.parent]) as engine:
        assert await engine.result("e") == "x>before>grandchild>child>after"


async def test_a_parent_whose_child_ended_while_it_did_not_run_takes_its_result(store, family):
    family.release.clear()
    async with Engine(store) as engine:
        await engine.start(family.parent, "x", id="e")
        await family.runs.wait()
    family.release.set()
    async with Engine(store, workflows=[family.child]) as engine:  # it knows nothing of the parent
        assert await engine.result("e::child") == "x>before>grandchild>child"
    async with Engine(store, workflows=[family.parent]) as engine:
        assert await engine.result("e") == "x>before>grandchild>child>after"


async def test_the_same_child_twice_at_the_same_time(engine, family):
    @workflow("twins")
    def twins(value: str) -> list[str]:
        left, right = parallelize(family.grandchild(value), family.grandchild(value))
        return [left, right]

    assert await engine.run(twins, "x", id="e") == ["x>grandchild", "x>grandchild"]
    assert set(await all_statuses(engine)) == {"e", "e::grandchild", "e::grandchild#2"}


async def test_an_id_that_could_be_a_childs_is_refused(engine, family):
    with pytest.raises(IdempotencyError, match="without '::'"):
        await engine.start(family.parent, "x", id="e::child")


@workflow("resting")
def resting(value: int) -> int:
    sleep(3600)
    return value


@workflow("calling")
def calling(value: int) -> int:
    return resting(value)


@workflow("calling-deep")
def calling_deep(value: int) -> int:
    return calling(value)


@pytest.mark.parametrize("number", [1, 3])
async def test_whoever_undoes_a_child_leaves_its_place_to_it(store, number):
    async with Engine(store, workflows=[calling_deep], concurrency=1) as engine:
        handles = [await engine.start(calling_deep, 1, id=f"e{at}") for at in range(number)]
        for handle in handles:
            await eventually(lambda handle=handle: rests(engine, f"{handle.id}::calling::resting"))
        for handle in handles:
            assert await handle.cancel()
        async with asyncio.timeout(20):
            for handle in handles:
                assert await engine.wait(handle.id) is Status.REVERTED
                assert await engine.wait(f"{handle.id}::calling::resting") is Status.REVERTED


async def rests(engine, execution_id):
    with suppress(UnknownExecutionError):
        return (await engine.get(execution_id)).status is Status.WAITING
    return False
