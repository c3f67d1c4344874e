"""Recording what happened, and replaying it against later code."""

import asyncio
import json

import pytest

from euryale.kit.clock import ManualClock
from euryale.kit.secret import Secret
from euryale.workflows import (
    Engine,
    ExecutionReverted,
    JsonCodec,
    Retry,
    UnknownExecutionError,
    WorkflowError,
    emit,
    inject,
    sleep,
    step,
    transform,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import PassingTime, RecordedHistory, ReplayError, record_history, replay_history

CALLED = []


@step(retry=Retry(max_attempts=3, initial=60))
async def count(value: int) -> int:
    CALLED.append("count")
    if len(CALLED) == 1:
        raise RuntimeError("the first time it fails")
    return value + 1


@step
async def tell(value: int, *, voice: type = inject()) -> str:
    CALLED.append("tell")
    return f"told {value}"


@step
async def key(value: int) -> Secret:
    return Secret(f"the key to {value}")


@step
async def use(key: Secret) -> str:
    raise RuntimeError(f"{key.reveal()} does not fit")


def order(*, doubled=False, more=False, version=1):
    @workflow("order", version=version)
    def flow(value: int) -> str:
        counted = count(value)
        sleep(3600)
        emit("counted", counted)
        if more:
            counted = count.named("again")(counted)
        return transform((lambda text: text * 2) if doubled else (lambda text: text), tell(counted))

    return flow


@workflow("open")
def open_door(value: int) -> str:
    return use(key(value))


async def recorded(flow, tmp_path, value=1) -> RecordedHistory:
    """Run a workflow and return its history, as read from a file."""
    CALLED.clear()
    clock, store = ManualClock(), MemoryStore()
    codec = JsonCodec(keys=(JsonCodec.new_key(),))
    async with Engine(store, workflows=[flow], clock=clock, codec=codec, services={type: str}) as engine:
        handle = await engine.start(flow, value, id="e")
        await PassingTime(engine, clock).advance(7200)
        try:
            await handle.result()
        except ExecutionReverted:
            assert flow is open_door
        history = await record_history(store, "e", flow)
    history.save(tmp_path / "history.json")
    return RecordedHistory.load(tmp_path / "history.json")


@pytest.fixture
async def history(tmp_path):
    history = await recorded(order(), tmp_path)
    CALLED.clear()
    return history


def in_thread(history, *flows):
    """Replay; it has a loop of its own."""
    return asyncio.to_thread(replay_history, history, *flows)


async def test_the_same_workflow_goes_the_same_way_and_no_step_is_called(history):
    replay = await in_thread(history, order())
    assert (replay.same_plan, replay.strands, replay.differences) == (True, (), ())
    replay.check()
    assert CALLED == []


async def test_another_transform_is_found_out_though_the_plan_is_the_same(history):
    replay = await in_thread(history, order(doubled=True))
    assert replay.same_plan
    assert replay.differences == ("e returned told 2, returns told 2told 2",)


async def test_a_new_step_strands_what_is_under_way(history):
    replay = await in_thread(history, order(more=True))
    assert replay.plan_changes[0] == "order: again is new"
    assert replay.strands == ("order",)
    assert "e: again is done, which was not recorded" in replay.differences
    with pytest.raises(ReplayError, match="stranded"):
        replay.check()


async def test_a_new_version_beside_the_former_one_strands_nothing(history):
    replay = await in_thread(history, order(more=True, version=2), order())
    assert replay.strands == ()
    assert not replay.same_plan


async def test_an_output_that_does_not_fit_any_more_is_found_out(history, tmp_path):
    path = tmp_path / "history.json"
    path.write_text(path.read_text("utf-8").replace('"payload": 2', '"payload": "two"'), "utf-8")
    replay = await in_thread(RecordedHistory.load(path), order())
    assert replay.same_plan
    assert any("e was succeeded, is reverted" in each for each in replay.differences)


async def test_secrets_and_frames_are_left_out_and_made_up_again(tmp_path):
    history = await recorded(open_door, tmp_path)
    text = (tmp_path / "history.json").read_text("utf-8")
    assert "the key to" not in text
    assert json.loads(text)["executions"][0]["entries"][0]["payload"] == {"$secret": "redacted"}
    assert '"trace": ""' in text
    assert ".py" not in text
    (await in_thread(history, open_door)).check()


async def test_what_is_not_there_cannot_be_recorded():
    store = MemoryStore()
    with pytest.raises(UnknownExecutionError):
        await record_history(store, "e", open_door)
    async with Engine(store, services={type: str}) as engine:
        await engine.run(workflow("open")(lambda: tell(1)), None, id="e")
        with pytest.raises(WorkflowError, match="another plan"):
            await record_history(store, "e", open_door)


def test_a_file_of_another_format_is_refused(tmp_path):
    (tmp_path / "history.json").write_text('{"format": 99}', "utf-8")
    with pytest.raises(WorkflowError, match="format 1"):
        RecordedHistory.load(tmp_path / "history.json")
