"""Traces: one for each execution, whoever drives it."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from euryale.kit.clock import ManualClock
from euryale.kit.secret import REDACTED, Secret
from euryale.workflows import (
    LATER,
    Engine,
    ExecutionReverted,
    JsonCodec,
    Retry,
    Schedule,
    parallelize,
    step,
    workflow,
)
from euryale.workflows.opentelemetry import EngineTraces
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import PassingTime
from eventually import eventually

PASSWORD = "correct horse battery"


class Spans:
    """What was traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    @property
    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.all if each.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


def is_below(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return span.parent is not None and span.parent.span_id == parent.context.span_id


@pytest.fixture
def spans() -> Iterator[Spans]:
    spans = Spans()
    yield spans
    spans.provider.shutdown()


@step
async def hello(name: str) -> str:
    return f"hello {name}"


@step
def shout(text: str) -> str:
    with trace.get_tracer("of the step").start_as_current_span("inside"):
        return text.upper()


@step(retry=Retry(max_attempts=2, initial=0, jitter=False))
async def break_down(password: Secret) -> str:
    raise RuntimeError(f"{password.reveal()} was not accepted")


@hello.compensate
async def _(text: str | None) -> None: ...


@step(completes="externally")
async def approval(name: str) -> str:
    return LATER


@workflow("stuck")
def stuck(name: str) -> str:
    return approval(name)


@workflow("inner")
def inner(name: str) -> str:
    return hello(name)


@workflow("outer")
def outer(name: str) -> str:
    return shout(inner(name))


@workflow("in-vain")
def in_vain(password: Secret) -> str:
    hello("you")
    return break_down(password)


async def test_an_execution_is_told_below_whoever_started_it(spans: Spans):
    async with Engine(MemoryStore()) as engine:
        detach = EngineTraces(spans.provider).attach(engine.telemetry)
        with spans.tracer.start_as_current_span("request") as request:
            await engine.run(outer, "Ada", id="o1")
        detach()
        await engine.run(outer, "Bob")
    started, driven = spans.one("start outer"), spans.one("workflow outer")
    assert started.parent.span_id == request.get_span_context().span_id
    assert is_below(driven, started)
    assert is_below(spans.one("step shout"), driven)
    assert driven.attributes["euryale.execution"] == "o1"
    assert driven.attributes["euryale.status"] == "succeeded"
    assert driven.attributes["euryale.worker"]
    assert driven.status.status_code is StatusCode.UNSET
    assert not driven.links
    assert {each.context.trace_id for each in spans.all} == {request.get_span_context().trace_id}


async def test_a_child_is_told_below_the_execution_that_calls_it(spans: Spans):
    async with Engine(MemoryStore()) as engine:
        EngineTraces(spans.provider).attach(engine.telemetry)
        await engine.run(outer, "Ada", id="o1")
    driven = spans.one("workflow outer")
    called = spans.one("start inner")
    assert is_below(called, driven)
    assert is_below(spans.one("workflow inner"), called)
    assert is_below(spans.one("step hello"), spans.one("workflow inner"))
    assert spans.one("workflow inner").attributes["euryale.parent"] == "o1"


async def test_what_a_step_does_is_told_below_its_attempt(spans: Spans, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trace, "get_tracer", lambda _: spans.tracer)
    traces = EngineTraces.__new__(EngineTraces)
    traces._tracer = spans.tracer
    async with Engine(MemoryStore()) as engine:
        traces.attach(engine.telemetry)
        await engine.run(outer, "Ada")
        assert not trace.get_current_span().get_span_context().is_valid
    assert is_below(spans.one("inside"), spans.one("step shout"))


async def test_errors_are_marked_without_secrets_and_compensations_are_told(spans: Spans):
    async with Engine(MemoryStore(), codec=JsonCodec(keys=(JsonCodec.new_key(),))) as engine:
        EngineTraces(spans.provider).attach(engine.telemetry)
        with pytest.raises(ExecutionReverted):
            await engine.run(in_vain, Secret(PASSWORD))
    attempts = spans.named("step break-down")
    assert [each.attributes["euryale.attempt"] for each in attempts] == [1, 2]
    for each in [*attempts, spans.one("workflow in-vain")]:
        assert each.status.status_code is StatusCode.ERROR
        assert each.status.description == f"{REDACTED} was not accepted"
        (exception,) = [event for event in each.events if event.name == "exception"]
        assert exception.attributes["exception.type"] == "RuntimeError"
        assert exception.attributes["exception.message"] == f"{REDACTED} was not accepted"
        assert "test_opentelemetry.py" in exception.attributes["exception.stacktrace"]
    undo = spans.one("undo hello")
    assert is_below(undo, spans.one("workflow in-vain"))
    assert undo.status.status_code is StatusCode.UNSET
    assert [event.name for event in spans.one("workflow in-vain").events] == ["compensating", "exception"]
    assert not [each for each in spans.all if PASSWORD in each.to_json()]


async def test_an_interrupted_attempt_is_marked_and_siblings_have_spans_of_their_own(spans: Spans):
    begun = asyncio.Event()

    @step
    async def hang(name: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        return name

    @workflow("beside")
    def beside(name: str) -> str:
        return parallelize(hang(name), hello(name))[0]

    async with Engine(MemoryStore()) as engine:
        EngineTraces(spans.provider).attach(engine.telemetry)
        handle = await engine.start(beside, "Ada")
        await begun.wait()
        await handle.cancel()
        await engine.wait(handle.id)
    assert spans.one("step hang").attributes["euryale.outcome"] == "interrupted"
    assert spans.one("step hang").status.status_code is StatusCode.ERROR
    driven = spans.one("workflow beside")
    assert is_below(spans.one("step hang"), driven)
    assert is_below(spans.one("step hello"), driven)
    assert driven.attributes["euryale.reason"] == "cancelled"


async def test_a_worker_goes_on_with_the_trace_of_one_that_died(spans: Spans):
    clock = ManualClock()
    store = MemoryStore(shared=True, clock=clock)
    held, contexts = asyncio.Event(), []

    @step
    async def first(name: str) -> str:
        return name

    @step
    async def second(name: str) -> str:
        contexts.append(name)
        if len(contexts) == 1:
            await held.wait()
        return name

    @workflow("long")
    def long(name: str) -> str:
        return second(first(name))

    former, latter = (Engine(store, workflows=[long], clock=clock) for _ in range(2))
    asker = Engine(store, workflows=[long], clock=clock, concurrency=0)
    for engine in (former, asker, latter):
        EngineTraces(spans.provider).attach(engine.telemetry)
    async with former, asker:
        with spans.tracer.start_as_current_span("request"):
            await asker.start(long, "Ada", id="l1")
        await eventually(lambda: contexts)
        await store.retire(former._worker.owner)  # as if its lease had run out
        async with latter:
            assert await latter.result("l1") == "Ada"
        worker = latter._worker.owner
    drives = {each.attributes["euryale.worker"]: each for each in spans.named("workflow long")}
    (link,) = drives[worker].links
    assert link.attributes["euryale.link"] == "takeover"
    assert link.attributes["euryale.worker.former"] in drives
    assert link.context.span_id == spans.one("start long").context.span_id
    assert {each.context.trace_id for each in spans.all} == {spans.one("request").context.trace_id}
    lost = drives[link.attributes["euryale.worker.former"]]
    assert lost.attributes["euryale.let_go"] in {"lost", "closed"}


async def test_a_tick_of_a_schedule_begins_a_trace_whoever_opened_the_engine(spans: Spans):
    hourly = Schedule("hourly", inner, "Ann", every=3600)
    clock, store = ManualClock(), MemoryStore(shared=True, clock=ManualClock())
    first, second = (Engine(store, schedules=[hourly], clock=clock) for _ in range(2))
    for engine in (first, second):
        EngineTraces(spans.provider).attach(engine.telemetry)
    with spans.tracer.start_as_current_span("startup"):
        await first.open()
        await second.open()
    try:
        await PassingTime(first, clock).advance(2 * 3600)
        await eventually(lambda: len(spans.named("workflow inner")) == 2)
    finally:
        await second.close()
        await first.close()
    ticks, executions = spans.named("schedule hourly"), spans.named("workflow inner")
    assert len(ticks) == 2, "only the worker that was first tells of the tick"
    assert [each.parent for each in ticks] == [None, None]
    assert len({each.context.trace_id for each in ticks}) == 2
    ticks_by_execution = {each.attributes["euryale.execution"]: each for each in ticks}
    for each in executions:
        assert is_below(each, ticks_by_execution[each.attributes["euryale.execution"]])
    assert ticks[0].attributes["euryale.schedule"] == "hourly"


async def test_a_tick_that_is_skipped_says_why_and_one_by_hand_is_below_its_caller(spans: Spans):
    waiting = Schedule("waiting", stuck, "Ann", every=3600, overlap="forbid")
    clock = ManualClock()
    async with Engine(MemoryStore(), schedules=[waiting], clock=clock) as engine:
        EngineTraces(spans.provider).attach(engine.telemetry)
        with spans.tracer.start_as_current_span("by hand"):
            await engine.trigger("waiting")
        await PassingTime(engine, clock).advance(3600)
    fired, skipped = spans.named("schedule waiting")
    assert is_below(fired, spans.one("by hand"))
    assert skipped.attributes["euryale.skipped"] == "overlap"
    assert is_below(spans.one("workflow stuck"), fired)
