"""Outcomes that a person gives to steps: done, failed, undone."""

import asyncio
import threading

import pytest

from euryale.workflows import (
    LATER,
    Engine,
    ExecutionReverted,
    Retry,
    Status,
    StepResponse,
    UnknownExecutionError,
    WorkflowError,
    for_each,
    step,
    workflow,
)
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.memory import MemoryStore
from eventually import eventually

FAR = 3600.0


class Scene:
    """A step that hangs or fails, one behind it, and how they are undone."""

    def __init__(self):
        self.calls, self.undone, self.begun = [], [], asyncio.Event()
        self.hangs, self.undo_hangs, self.undo_fails, self.after_fails = False, False, False, False
        self.undoing = asyncio.Event()

        @step(retry=Retry(max_attempts=5, initial=FAR))
        async def work(value: str) -> StepResponse[str, int]:
            self.calls.append(value)
            self.begun.set()
            if self.hangs:
                await asyncio.Event().wait()
            raise RuntimeError("not now")

        @work.compensate(retry=Retry(max_attempts=2, initial=0))
        async def _(undo: int | None, *, value: str) -> None:
            self.undoing.set()
            if self.undo_hangs:
                await asyncio.Event().wait()
            if self.undo_fails:
                raise RuntimeError("cannot be undone")
            self.undone.append((undo, value))

        @step
        async def after(value: str) -> str:
            if self.after_fails:
                raise RuntimeError("for good")
            return f"{value}!"

        @workflow("w")
        def flow(value: str) -> str:
            return after(work(value))

        self.work, self.flow = work, flow


@pytest.fixture
def scene():
    return Scene()


def states(view):
    return {each.id: (str(each.state), str(each.undo_state)) for each in view.steps}


@pytest.mark.parametrize("hangs", [True, False], ids=["under_way", "waiting_for_its_retry"])
async def test_a_step_is_done_by_hand(engine, scene, hangs):
    scene.hangs = hangs
    handle = await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    assert await engine.mark_succeeded("e", "work", "by hand")
    assert await handle.result() == "by hand!"
    assert scene.calls == ["x"]
    assert not await engine.cancel("e")


async def test_a_step_that_is_done_in_a_thread_is_abandoned(engine):
    begun, go = threading.Event(), threading.Event()

    @step
    def work(value: str) -> str:
        begun.set()
        go.wait(60)
        return "too late"

    @workflow("w")
    def flow(value: str) -> str:
        return work(value)

    handle = await engine.start(flow, "x", id="e")
    await eventually(begun.is_set)
    assert await engine.mark_succeeded("e", "work", "by hand")
    assert await handle.result() == "by hand"
    go.set()


async def test_a_step_that_was_let_go_of_is_done_by_hand(store, scene):
    async with Engine(store, workflows=[scene.flow], rest_after=0.0) as engine:
        handle = await engine.start(scene.flow, "x", id="e")
        await eventually(lambda: store._rows["e"].status is Status.WAITING and not store._rows["e"].owner)
        assert await engine.mark_succeeded("e", "work", "by hand")
        assert await handle.result() == "by hand!"


async def test_what_is_done_by_hand_stays_done_after_a_restart(scene):
    store = MemoryStore()
    scene.after_fails, scene.hangs = True, True
    async with Engine(store, workflows=[scene.flow]) as engine:
        await engine.start(scene.flow, "x", id="e")
        await scene.begun.wait()
        assert await engine.mark_succeeded("e", "work", "by hand")
        assert await engine.wait("e") is Status.REVERTED
    assert scene.undone == [(None, "x")], "nobody said what there is to undo"
    assert scene.calls == ["x"]


async def test_a_step_fails_by_hand_whatever_its_retries(engine, scene):
    handle = await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    assert await engine.mark_failed("e", "work", "it will never be")
    with pytest.raises(ExecutionReverted, match="it will never be"):
        await handle.result()
    assert scene.undone == [(None, "x")]


async def test_a_step_that_is_not_reached_yet_is_taken_for_done_as_soon_as_it_is(engine, scene):
    handle = await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    assert await engine.mark_succeeded("e", "after", "skipped")
    assert await engine.mark_succeeded("e", "work", "by hand")
    assert not await engine.mark_succeeded("e", "work", "again")
    assert await handle.result() == "skipped"


async def test_an_item_is_done_by_hand(engine, scene):
    @workflow("many")
    def many(values: list[str]) -> list[str]:
        return for_each(values, scene.work)

    handle = await engine.start(many, ["a", "b"], id="e")
    await eventually(lambda: len(scene.calls) == 2)
    for index in range(2):
        assert await engine.mark_succeeded("e", f"each:work[{index}]", str(index))
    assert await handle.result() == ["0", "1"]


async def test_a_completion_from_outside_is_given_by_hand(engine):
    @step(completes="externally")
    async def ask(value: str) -> str:
        return LATER

    @workflow("w")
    def flow(value: str) -> str:
        return ask(value)

    handle = await engine.start(flow, "x", id="e")
    await eventually(lambda: engine._store._rows["e"].status is Status.WAITING)
    assert await engine.mark_succeeded("e", "ask", "answered")
    assert await handle.result() == "answered"


async def test_a_compensation_under_way_is_done_by_hand(engine, scene):
    scene.undo_hangs = True
    handle = await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    await handle.cancel()
    await scene.undoing.wait()
    assert await engine.mark_undone("e", "work")
    assert await engine.wait("e") is Status.REVERTED
    assert states(await engine.get("e"))["work"] == ("failed", "reverted")
    assert not await engine.mark_undone("e", "work")


async def test_a_compensation_that_gave_up_is_done_by_hand(engine, scene):
    scene.undo_fails = True
    handle = await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    await handle.cancel()
    assert await engine.wait("e") is Status.FAILED
    assert await engine.mark_undone("e", "work")
    assert (await engine.get("e")).status is Status.REVERTED
    assert scene.undone == []


async def test_what_makes_no_sense_by_hand_is_refused(engine, scene):
    await engine.start(scene.flow, "x", id="e")
    await scene.begun.wait()
    with pytest.raises(WorkflowError, match="'w' has no step 'nothing'"):
        await engine.mark_succeeded("e", "nothing", "x")
    with pytest.raises(UnknownExecutionError):
        await engine.mark_failed("nobody", "work", "x")
    with pytest.raises(WorkflowError, match="output of work"):
        await engine.mark_succeeded("e", "work", 7)
    assert not await engine.mark_undone("e", "work"), "it is not being undone"
    await engine.mark_succeeded("e", "work", "by hand")
    await engine.wait("e")
    with pytest.raises(WorkflowError, match="is succeeded"):
        await engine.mark_succeeded("e", "work", "x")


class HeldStore(MemoryStore):
    """Holds up the write that says how a compensation ended."""

    def __init__(self):
        super().__init__()
        self.writing, self.go_on = asyncio.Event(), asyncio.Event()

    def write_at_once(self, _commits):
        return None

    async def write(self, commits):
        ends = {EntryKind.UNDO_SUCCEEDED, EntryKind.UNDO_FAILED}
        if any(entry.kind in ends for commit in commits for entry in commit.entries):
            self.writing.set()
            await self.go_on.wait()
        return await super().write(commits)


@pytest.mark.parametrize(("fails", "status"), [(False, Status.REVERTED), (True, Status.FAILED)])
async def test_a_mark_that_comes_while_the_end_of_a_compensation_is_written_changes_nothing(scene, fails, status):
    scene.undo_fails = fails
    store = HeldStore()
    async with Engine(store, workflows=[scene.flow]) as engine:
        handle = await engine.start(scene.flow, "x", id="e")
        await scene.begun.wait()
        await handle.cancel()
        await store.writing.wait()
        assert await engine.mark_undone("e", "work")
        store.go_on.set()
        assert await engine.wait("e") is status
        if fails:  # it is kept, and counts once it is tried again
            assert not await engine.mark_undone("e", "work")
            assert (await engine.get("e")).status is Status.REVERTED
