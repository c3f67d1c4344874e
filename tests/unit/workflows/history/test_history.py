"""Everything that happened in an execution, told so that it may be shown to anybody."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from euryale.kit.clock import ManualClock
from euryale.kit.secret import REDACTED, Secret
from euryale.workflows import (
    LATER,
    Engine,
    ExecutionReverted,
    Hook,
    JsonCodec,
    Retry,
    Signal,
    Status,
    StepContext,
    StepResponse,
    StepState,
    UndoState,
    UnknownExecutionError,
    WorkflowError,
    detach,
    emit,
    for_each,
    inject,
    sleep,
    step,
    step_context,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.history import AttemptOutcome, History
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually

SOON = Retry(max_attempts=3, initial=0.001, jitter=False)


@dataclass(frozen=True)
class Card:
    number: Secret
    name: str


@dataclass(frozen=True)
class Receipt:
    amount: int
    card: Card


class Bank:
    def __init__(self) -> None:
        self.tries = 0


@step(retry=SOON)
async def charge(amount: int, card: Card, *, bank: Bank = inject()) -> StepResponse[Receipt, str]:
    bank.tries += 1
    if bank.tries < 2:
        raise RuntimeError(f"card {card.number.reveal()} was not accepted")
    return StepResponse(Receipt(amount, card), undo=f"charge of {card.number.reveal()}")


@charge.compensate(retry=SOON)
async def _(undo: str | None, *, amount: int, bank: Bank = inject()) -> None:
    bank.tries += 1
    if bank.tries < 4:
        raise RuntimeError("the bank is closed")


@step
async def post(receipt: Receipt) -> str:
    return f"sent to {receipt.card.name}"


@step
async def give_up(text: str) -> str:
    raise RuntimeError("for good")


@workflow("buy")
def buy(card: Card) -> str:
    return post(charge(7, card))


@workflow("buy-in-vain")
def buy_in_vain(card: Card) -> str:
    return give_up(post(charge(7, card)))


CARD = Card(Secret("4111-1111-1111"), "Ada")


def engine_of(store: Any, **details: Any) -> Engine:
    details.setdefault("services", {Bank: Bank()})
    return Engine(store, codec=JsonCodec(keys=(JsonCodec.new_key(),)), **details)


def texts(value: Any) -> list[str]:
    match value:
        case dict():
            return [text for pair in value.items() for each in pair for text in texts(each)]
        case list() | tuple():
            return [text for each in value for text in texts(each)]
        case _:
            return [str(value)]


async def test_each_attempt_tells_input_output_error_worker_and_times():
    async with engine_of(MemoryStore()) as engine:
        await engine.run(buy, CARD, id="b1")
        history = await engine.history("b1")
    first, second = history.node("charge").attempts
    assert first.outcome is AttemptOutcome.FAILED
    assert first.error is not None
    assert first.error.message == f"card {REDACTED} was not accepted"
    assert first.due is not None
    assert second.outcome is AttemptOutcome.SUCCEEDED
    assert second.number == 2
    assert second.input == {"amount": 7, "card": {"number": REDACTED, "name": "Ada"}}
    assert second.output == {"amount": 7, "card": {"number": REDACTED, "name": "Ada"}}
    assert second.started is not None
    assert second.ended is not None
    assert first.started <= first.ended <= second.started <= second.ended
    assert second.seconds == (second.ended - second.started).total_seconds()
    assert [first.worker, second.worker] == [history.workers[0].worker] * 2
    assert history.node("post").output == "sent to Ada"
    assert history.input == {"number": REDACTED, "name": "Ada"}
    assert history.output == "sent to Ada"
    assert [each.name for each in history.moments] == ["execution.finished"]
    assert history.moments[-1].status is Status.SUCCEEDED


async def test_compensation_is_told_likewise():
    async with engine_of(MemoryStore()) as engine:
        with pytest.raises(ExecutionReverted):
            await engine.run(buy_in_vain, CARD, id="b1")
        history = await engine.history("b1")
    charged = history.node("charge")
    assert [each.outcome for each in charged.undo_attempts] == ["failed", "succeeded"]
    assert charged.undo_attempts[0].error.message == "the bank is closed"
    assert charged.undo_attempts[1].input == {"undo": f"charge of {REDACTED}", "amount": 7}
    assert charged.undo_attempts[1].worker
    assert charged.undo_state is UndoState.REVERTED
    assert history.node("give-up").attempts[0].error.message == "for good"
    turned, finished = history.moments
    assert (turned.name, turned.error.message) == ("execution.compensating", "for good")
    assert finished.status is Status.REVERTED


async def test_a_document_is_json_and_holds_no_secret():
    async with engine_of(MemoryStore()) as engine:
        with pytest.raises(ExecutionReverted):
            await engine.run(buy_in_vain, CARD, id="b1")
        document = (await engine.history("b1")).document()
    assert not [text for text in texts(document) if "4111-1111" in text or "gAAAA" in text]
    assert document["nodes"][0]["attempts"][0]["started"].endswith("Z")
    assert document["status"] == "reverted"


async def test_without_the_plan_it_tells_what_the_journal_says():
    store = MemoryStore()
    codec = JsonCodec(keys=(JsonCodec.new_key(),))
    async with Engine(store, codec=codec, services={Bank: Bank()}) as engine:
        await engine.run(buy, CARD, id="b1")
    async with Engine(store, codec=codec) as stranger:
        history = await stranger.history("b1")
    assert history.node("charge").attempts[1].output == {"amount": 7, "card": {"number": REDACTED, "name": "Ada"}}
    assert history.node("charge").attempts[1].input is None
    assert history.input == {"number": REDACTED, "name": "Ada"}


@step
async def double(number: int) -> int:
    if number == 13:
        raise RuntimeError("unlucky")
    return number * 2


audited = Hook("audited", int)


@step
async def note(total: int) -> str:
    return f"noted {total}"


@workflow("inner")
def inner(number: int) -> int:
    return double(number)


@workflow("background")
def background(number: int) -> int:
    return double(number)


go = Signal("go", str)


@workflow("everything")
def everything(numbers: list[int]) -> str:
    doubled = for_each(numbers, double, tolerated_failures=1)
    audited(transform(len, doubled))
    inner(5)
    detach(background, 6)
    emit("done", 1)
    word = wait_for(go)
    sleep(0.001)
    return when(word, bool).then(lambda: note(1)).otherwise(lambda: note(2))


async def test_items_handlers_children_signals_and_choices_are_told():
    audited.attach(note)
    try:
        async with Engine(MemoryStore()) as engine:
            handle = await engine.start(everything, [1, 13, 3], id="e1")
            await handle.signal(go, "yes", key="k1")
            await handle.result()
            history = await engine.history("e1")
    finally:
        audited.detach(note)
    assert history.node("each:double").output == [2, None, 6]
    assert history.node("each:double[0]").attempts[0].input == {"number": 1}
    assert history.node("each:double[1]").attempts[0].error.message == "unlucky"
    assert history.node("hook:audited[note]").attempts[0].input == {"total": 3}
    assert history.node("hook:audited[note]").attempts[0].output == "noted 3"
    child = history.node("inner")
    assert (child.kind, child.child) == ("child", "e1::inner")
    assert child.attempts[0].input == {"input": 5}
    assert child.attempts[0].output == 10
    assert history.node("detach:background").child == "e1::detach:background"
    assert history.partial
    (message,) = history.messages
    assert (message.kind, message.name, message.value) == ("signal", "go", "yes")
    waited = history.node(message.taken_by)
    assert waited.kind == "signal"
    assert waited.attempts[0].output == "yes"
    assert waited.attempts[0].started <= waited.attempts[0].ended
    choice = next(each for each in history.nodes if each.kind == "when")
    assert choice.output is True
    assert [each.state for each in history.nodes if each.id.startswith("note")] == ["succeeded", "skipped"]


async def test_what_is_under_way_and_what_waits_is_told():
    clock = ManualClock()
    gate = asyncio.Event()

    @step
    async def hang(number: int) -> int:
        await gate.wait()
        return number

    @step(completes="externally")
    async def ask(number: int) -> int:
        return LATER

    @workflow("slow")
    def slow(number: int) -> int:
        return ask(hang(number))

    async with Engine(MemoryStore(), clock=clock) as engine:
        handle = await engine.start(slow, 3, id="s1")
        await eventually(lambda: _is(engine, "hang", StepState.RUNNING))
        (under_way,) = (await engine.history("s1")).node("hang").attempts
        assert under_way.outcome is AttemptOutcome.RUNNING
        assert under_way.input == {"number": 3}
        assert under_way.started == clock.now()
        assert under_way.ended is None
        gate.set()
        await eventually(lambda: _is(engine, "ask", StepState.WAITING))
        (waiting,) = (await engine.history("s1")).node("ask").attempts
        assert waiting.outcome is AttemptOutcome.WAITING
        await engine.complete("s1/ask", 9)
        assert await handle.result() == 9
        (done,) = (await engine.history("s1")).node("ask").attempts
        assert (done.number, done.outcome, done.output, done.started) == (1, "succeeded", 9, waiting.started)


async def _is(engine: Engine, node: str, state: StepState) -> bool:
    view = await engine.get("s1")
    return any(each.state is state for each in view.steps if each.id == node)


async def test_an_interrupted_attempt_says_so():
    begun = asyncio.Event()

    @step
    async def hang(number: int) -> int:
        begun.set()
        await asyncio.Event().wait()
        return number

    @workflow("hanging")
    def hanging(number: int) -> int:
        return hang(number)

    async with Engine(MemoryStore()) as engine:
        handle = await engine.start(hanging, 3, id="s1")
        await begun.wait()
        await handle.cancel()
        await engine.wait("s1")
        history = await engine.history("s1")
    (attempt,) = history.node("hang").attempts
    assert (attempt.number, attempt.outcome) == (1, AttemptOutcome.INTERRUPTED)
    assert history.messages[0].kind == "cancel"


async def test_a_fork_says_what_it_adopted():
    async with engine_of(MemoryStore()) as engine:
        await engine.run(buy, CARD, id="b1")
        forked = await engine.fork("b1", "post", id="b2")
        await forked.result()
        history = await engine.history("b2")
    assert history.node("charge").adopted
    assert history.node("charge").attempts == ()
    assert history.node("charge").output == {"amount": 7, "card": {"number": REDACTED, "name": "Ada"}}
    assert not history.node("post").adopted
    assert history.workers[0].seq > 1


async def test_the_workers_that_took_over_are_told(tmp_path):
    contexts: list[StepContext] = []
    gate = asyncio.Event()

    @step
    async def first(number: int) -> int:
        return number

    @step
    async def second(number: int) -> int:
        contexts.append(step_context())
        await gate.wait()
        return number

    @step
    async def third(number: int) -> int:
        return number

    @workflow("three")
    def three(number: int) -> int:
        return third(second(first(number)))

    path = tmp_path / "store.db"
    async with Engine(SQLiteStore(path), workflows=[three]) as engine:
        await engine.start(three, 1, id="t1")
        await eventually(lambda: contexts)
    gate.set()
    async with Engine(SQLiteStore(path), workflows=[three]) as engine:
        await engine.wait("t1")
        history = await engine.history("t1")
    former, latter = history.workers
    assert former.worker != latter.worker
    assert latter.at - former.at < timedelta(minutes=1)
    assert [history.node(node).attempts[0].worker for node in ("first", "second", "third")] == [
        former.worker,
        latter.worker,
        latter.worker,
    ]
    assert history.moments[-1].worker == latter.worker


async def test_there_is_none_of_what_does_not_exist():
    async with engine_of(MemoryStore()) as engine:
        with pytest.raises(UnknownExecutionError):
            await engine.history("no")
        await engine.run(buy, CARD, id="b1")
        history: History = await engine.history("b1")
    with pytest.raises(WorkflowError, match="no node 'nothing'"):
        history.node("nothing")
