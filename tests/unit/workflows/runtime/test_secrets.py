"""A secret enters neither the file nor a text."""

import logging
from dataclasses import dataclass

import pytest

from euryale.kit.secret import Secret
from euryale.workflows import (
    Engine,
    ExecutionReverted,
    IdempotencyError,
    JsonCodec,
    PayloadError,
    PermanentFailure,
    Retry,
    StepResponse,
    emit,
    step,
    workflow,
)
from euryale.workflows.stores.sqlite import SQLiteStore

PLAIN = {"input": "hunter2-input", "output": "hunter2-output", "undo": "hunter2-undo", "event": "hunter2-event"}


@dataclass(frozen=True)
class Request:
    password: Secret
    fail: bool = False


@dataclass(frozen=True)
class Made:
    token: Secret


@step(retry=Retry(max_attempts=2, initial=0.001))
async def make(request: Request) -> StepResponse[Made, Secret]:
    assert request.password.reveal() == PLAIN["input"]
    return StepResponse(Made(Secret(PLAIN["output"])), undo=Secret(PLAIN["undo"]))


undone = []


@make.compensate
async def _(undo: Secret | None) -> None:
    undone.append(undo.reveal() if undo else None)


@step(retry=Retry(max_attempts=2, initial=0.001))
async def use(request: Request, made: Made) -> Made:
    if request.fail:
        raise PermanentFailure(
            f"cannot log in with {request.password.reveal()}", hint=f"Is {made.token.reveal()} right?"
        ) from RuntimeError(made.token.reveal())
    return made


@workflow("w")
def flow(request: Request) -> Made:
    made = make(request)
    emit("made", {"secret": made.token})
    return use(request, made)


@pytest.fixture
def codec():
    return JsonCodec((JsonCodec.new_key(),))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "e.db"


def in_clear(path):
    data = b"".join(each.read_bytes() for each in path.parent.iterdir())
    return [name for name, plain in PLAIN.items() if plain.encode() in data]


async def test_the_file_holds_no_secret_and_values_come_back(path, codec):
    delivered = []

    async def deliver(event):
        delivered.append(event)

    async with Engine(SQLiteStore(path), codec=codec, deliver=deliver) as engine:
        result = await engine.run(flow, Request(Secret(PLAIN["input"])), id="e")
        assert result.token.reveal() == PLAIN["output"]
        assert in_clear(path) == []
        again = await engine.run(flow, Request(Secret(PLAIN["input"])), id="e")
        assert again == result
        with pytest.raises(IdempotencyError):
            await engine.run(flow, Request(Secret("another")), id="e")
    assert in_clear(path) == []


async def test_no_text_tells_a_secret(path, codec, caplog):
    caplog.set_level(logging.DEBUG)
    undone.clear()
    async with Engine(SQLiteStore(path), codec=codec) as engine:
        handle = await engine.start(flow, Request(Secret(PLAIN["input"]), fail=True), id="e")
        events = [event async for event in handle.events()]
        with pytest.raises(ExecutionReverted) as caught:
            await handle.result()
        view = await handle.view()
    texts = [str(caught.value), repr(events), repr(view), caplog.text]
    assert "cannot log in with [redacted]" in texts[0]
    assert "Is [redacted] right?" in texts[2]
    assert not [plain for plain in PLAIN.values() for text in texts if plain in text]
    assert undone == [PLAIN["undo"]]
    assert in_clear(path) == []


async def test_after_a_restart_texts_are_scrubbed_as_well(path, codec):
    async with Engine(SQLiteStore(path), codec=codec) as engine:
        await engine.run(flow, Request(Secret(PLAIN["input"])), id="e")
    fresh = JsonCodec((JsonCodec.new_key(),))
    fresh._cipher = codec._cipher
    async with Engine(SQLiteStore(path), codec=fresh) as engine:
        await engine.result("e", Made)
        assert fresh.scrub(PLAIN["output"]) == "[redacted]"


async def test_without_the_key_whoever_reads_is_told_how_to_give_it(path, codec):
    async with Engine(SQLiteStore(path), codec=codec) as engine:
        await engine.run(flow, Request(Secret(PLAIN["input"])), id="e")
    for keys, hint in ((), "the same in each process"), ((JsonCodec.new_key(),), "behind the new one"):
        async with Engine(SQLiteStore(path), codec=JsonCodec(keys)) as engine:
            with pytest.raises(PayloadError, match="a secret") as caught:
                await engine.result("e", Made)
            assert hint in caught.value.hint


async def test_without_a_key_nothing_is_started(path):
    async with Engine(SQLiteStore(path)) as engine:
        with pytest.raises(PayloadError, match="the engine has no key"):
            await engine.start(flow, Request(Secret(PLAIN["input"])), id="e")
        assert await engine.list() == ()
    assert in_clear(path) == []
