"""What a newcomer writes first is refused where it stands, with what to write instead."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from euryale.workflows import (
    CompositionError,
    DefinitionError,
    Engine,
    Hook,
    Retry,
    Signal,
    detach,
    emit,
    for_each,
    inject,
    parallelize,
    sleep,
    step,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore

HERE = Path(__file__).name
GO = Signal("go", int)
HOOK = Hook("done", int)


@step
def a(value: int) -> int:
    return value


@step
def b(value: int, *, clock: Path = inject()) -> int:
    return value


async def look() -> None:
    """Is no step."""


class Desk:
    async def look(self, value: int) -> int:
        return value


@dataclass
class Order:
    item: str


@step
def ship(order: Order) -> str:
    return order.item


@workflow("inner-order")
def inner_order(order: Order) -> str:
    return ship(order)


def ship_it(order):
    return ship(order)


def forgets(order: Order) -> str:
    ship(order)


@workflow("inner")
def inner(value: int) -> int:
    return a(value)


@workflow("idle")
def idle() -> int:
    return a(1)


@pytest.mark.parametrize(
    ("compose", "advice"),
    [
        (lambda x: a(when(x, bool).then(lambda: a(x))), r"Add \.otherwise"),
        (lambda x: when(x, bool).then(lambda: a(x)), r"take \.result"),
        (lambda x: a(when(x, bool)), r"\.then\(\.\.\.\)"),
        (lambda x: when(x, bool).then(a(x)), "lambda around the call"),
        (lambda x: when(x, bool).then(lambda: x).otherwise(3), "lambda around the call"),
        (lambda x: when(x, a), "takes a plain function, not <step a>"),
        (lambda _: a(a), "<step a> is passed on as a value"),
        (lambda _: [inner], "<workflow inner v1> is passed on as a value"),
        (lambda _: a(HOOK), "<hook done> is passed on as a value"),
        (lambda x: transform(a, x), "takes a plain function, not <step a>"),
        (lambda x: transform(a(x), x), "takes a plain function"),
        (lambda _: look(), "use sleep"),
        (lambda _: sleep("3"), "sleep takes seconds"),
        (lambda _: sleep(-1), "sleep takes seconds"),
        (lambda _: sleep(float("nan")), "sleep takes seconds"),
        (lambda _: sleep(True), "sleep takes seconds"),
        (lambda _: wait_for("go"), r'Signal\("approved", bool\)'),
        (lambda _: wait_for(GO, timeout=timedelta(seconds=-1)), "wait_for takes seconds"),
        (lambda _: wait_for(GO, default=3), "no timeout"),
        (lambda x: detach(a, x), "takes a workflow"),
        (lambda x: parallelize(a(x), a(x), on_failure="stop"), "'wait' or 'cancel'"),
        (lambda x: for_each(x, a, min_successful=0.5), "min_successful=0.5 is not a count"),
        (lambda x: for_each(x, a, min_successful=True), "min_successful=True is not a count"),
        (lambda x: for_each(x, a, min_successful=-1), "min_successful=-1 is not a count"),
        (lambda x: for_each(x, a, tolerated_failures="half"), r"tolerated_failures='half' is not a count, nor a share"),
        (lambda x: for_each(x, a, tolerated_failures=1.5), "tolerated_failures=1.5 is not a count"),
        (lambda x: for_each(x, a, tolerated_failures=-1), "tolerated_failures=-1 is not a count"),
        (lambda x: for_each(x, a, tolerated_failures=float("nan")), "tolerated_failures=nan is not a count"),
        (lambda x: for_each(x, a, tolerated_failures=True), "tolerated_failures=True is not a count"),
        (lambda _: for_each(5, a), r"for_each got int .* transform\(lambda count: list\(range"),
        (lambda _: for_each("abc", a), "for_each got str"),
        (lambda _: for_each({1}, a), r"for_each got set .* transform\(sorted, items\)"),
        (lambda _: for_each({1: 2}, a), r"for_each got dict .*table\.items"),
        (lambda _: a("five"), r"step 'a' takes int as 'value', not 'five'\."),
        (lambda x: b(x, clock=3), r"step 'b' is given clock, which the engine provides"),
        (lambda x: b(x, x), "too many positional arguments"),
        (lambda _: inner("five"), r"workflow 'inner' takes int, not 'five'\."),
        (lambda _: inner(), r"workflow 'inner' takes int, not None\."),
        (lambda _: HOOK("five"), r"hook 'done' takes int, not 'five'\."),
        (lambda x: idle(x), "workflow 'idle' takes no input"),  # noqa: PLW0108 -- it is what is refused
        (lambda _: idle("x"), "workflow 'idle' takes no input"),
        (lambda _: [detach(inner, "five")], r"workflow 'inner' takes int, not 'five'\."),
        (lambda _: [detach(idle, 5)], "workflow 'idle' takes no input"),
        (lambda x: inner_order(x.order), r"the composer's input has no annotation, .* without an attribute 'order'"),
        (ship_it, r"takes Order as 'order'; the composer's input has no annotation"),
        (lambda order: [inner_order(order)], r"takes Order; the composer's input has no annotation"),
        (lambda _: emit(5), "emit takes the name of an event, not 5"),
        (lambda _: emit(""), "emit takes the name of an event"),
        (lambda x: when(x, bool) and None, r"when\(\.\.\.\) decides nothing\. Say what is done then"),
        (lambda _: wait_for(GO, timeout=3, default="7"), "takes int as its default, not '7'"),
    ],
)
def test_a_mistake_in_a_composer_is_refused_in_its_line(compose, advice):
    with pytest.raises(CompositionError, match=advice) as refused:
        workflow("w")(compose)
    assert f"{HERE}:" in str(refused.value)


@pytest.mark.parametrize(
    ("define", "advice"),
    [
        (lambda: workflow(lambda x: x), r'@workflow has no name\. Write @workflow\("place-order"\)'),
        (lambda: workflow(ship_it), r'@workflow has no name\. Write @workflow\("ship-it"\)'),
        (workflow, r'@workflow has no name\. Write @workflow\("place-order"\)'),
        (lambda: workflow(version=2), "@workflow has no name"),
        (lambda: workflow(""), "@workflow has no name"),
        (lambda: workflow(None), "@workflow has no name"),
        (lambda: workflow([]), "@workflow has no name"),
        (lambda: workflow("shop::order"), "A workflow's name is a text without '::', not 'shop::order'"),
        (lambda: workflow("w", timeout=-1), "workflow.'w'.: timeout=-1"),
        (lambda: workflow("w", retention="ever"), "workflow.'w'.: retention='ever'"),
        (lambda: workflow("w", version="1"), "version='1' is not a whole number of at least 1"),
        (lambda: workflow("w", version=0), "version=0 is not a whole number of at least 1"),
        (lambda: workflow("w", version=True), "version=True is not a whole number of at least 1"),
        (lambda: workflow("w")(5), "composer=5 is not a function"),
        (lambda: workflow("w")(partial(forgets)), "The composer of workflow 'w' is functools.partial"),
        (lambda: workflow("w")(lambda *, x: a(x)), "has a keyword-only parameter 'x'.*by position"),
        (lambda: workflow("w")(lambda **x: a(x)), "has a variadic keyword parameter 'x'"),
        (lambda: workflow("w")(lambda *x: a(x)), "has a variadic positional parameter 'x'"),
        (lambda: workflow("w", queue="q"), r"queue='q' is not a queue"),
        (lambda: workflow("w")("f"), "composer='f' is not a function"),
        (lambda: workflow("w")(look), "is async. Use def"),
        (lambda: workflow("w")(forgets), r"returns None, annotated as str\. Return"),
        (lambda: step("ship"), r'function=\'ship\' is not a function. .*@step\(name="create-database"\)'),
        (lambda: step()("ship"), "function='ship' is not a function"),
        (lambda: step()(partial(forgets)), 'has no name of its own. Give one: name="create-database"'),
        (lambda: step(name="")(forgets), "A step's name is a text without spaces, .* not ''"),
        (lambda: step(name=3)(forgets), "A step's name is a text without spaces, .* not 3"),
        (lambda: a.named("a b"), "A step's name is a text without spaces"),
        (lambda: step(retry=3), r"Retry\(max_attempts=4\)"),
        (lambda: step(timeout="10"), "timeout='10'"),
        (lambda: step(timeout=True), "timeout=True: give seconds"),
        (lambda: step(completes="later"), "'externally'"),
        (lambda: a.named("b", timeout=-1), "timeout=-1"),
        (lambda: a.compensate(retry=3)(print), "is no policy"),
        (lambda: a.compensate()("b"), "step 'a': its compensation='b' is not a function"),
        (lambda: step(forgets).compensate(ship_it), "the compensation of step 'forgets': .* 'order' has no annotation"),
        (lambda: step(Desk.look).signature, r"step 'look' is a method\. .*inject"),
        (lambda: step(partial(look)), 'has no name of its own. Give one: name="create-database"'),
        (lambda: a.named(None), "A step's name is a text without spaces"),
        (lambda: a.named("b", retry=0), "is no policy"),
        (lambda: a.skip_to(None), "node=None is not the id of a later node"),
        (lambda: a.skip_to(""), "node='' is not the id of a later node"),
        (lambda: a.skip_to(b), "node=<step b> is not the id of a later node"),
        (lambda: Hook("a b", int), "A hook's name is a text without spaces"),
        (lambda: HOOK.attach(look), r"is not a step\. Put @step above it"),
        (lambda: step(ship_it).signature, "step 'ship-it': parameter 'order' has no annotation"),
    ],
)
def test_a_mistake_in_a_definition_is_refused_in_its_line(define, advice):
    with pytest.raises(DefinitionError, match=advice) as refused:
        define()
    assert re.match(rf"[^:]*{HERE}:\d+: [^:]*", refused.value.message)
    assert str(refused.value).count(HERE) == 1


def test_the_line_that_is_named_is_that_of_the_decorator():
    with pytest.raises(DefinitionError) as bare:

        @workflow
        def place_order(order: Order) -> str:
            return ship(order)

    line = bare.traceback[0].lineno + 1
    assert str(bare.value) == f'{__file__}:{line}: @workflow has no name. Write @workflow("place-order").'


@pytest.mark.parametrize("name", ["", int, None])
def test_a_signal_has_a_name(name):
    with pytest.raises(DefinitionError, match="A signal has a name"):
        Signal(name, int)


def test_a_step_is_no_workflow_of_an_engine():
    with pytest.raises(DefinitionError, match="is not a workflow"):
        Engine(MemoryStore(), workflows=[a])


@step()
def shipped(order: Order) -> str:
    return order.item


def test_parentheses_around_nothing_are_none():
    assert shipped.name == "shipped"


def test_durations_may_be_timedeltas():
    made = step(timeout=timedelta(minutes=1), external_timeout=timedelta(hours=1))(a.function)
    assert (made.options.timeout, made.options.external_timeout) == (60.0, 3600.0)
    assert made.named("b", timeout=timedelta(minutes=2), retry=Retry()).options.timeout == 120.0


async def test_no_branches_are_done_at_once():
    @workflow("w")
    def flow(x: int) -> int:
        assert parallelize() == ()
        return a(x)

    async with Engine(MemoryStore()) as engine:
        assert await engine.run(flow, 1) == 1


@step
def connect(name: str) -> Desk:
    return Desk()


DESKS = Signal("desks", Desk)


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (lambda x: [connect(x)], "'w': the output of step 'connect' cannot be Desk"),
        (lambda x: for_each([x], connect), "'w': the output of step 'connect' cannot be Desk"),
        (lambda _: wait_for(DESKS), "'w': what comes with 'desks' cannot be Desk"),
    ],
)
def test_a_type_that_cannot_travel_is_refused_when_the_workflow_becomes_known(compose, message):
    flow = workflow("w")(compose)
    with pytest.raises(DefinitionError, match=message):
        Engine(MemoryStore(), workflows=[flow])
    engine = Engine(MemoryStore())
    with pytest.raises(DefinitionError, match=message):
        engine.register(flow)
    assert engine.workflows() == ()
