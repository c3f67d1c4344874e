"""Workflows that together use every construct, for the simulator: their steps do nothing but return."""

from datetime import timedelta
from random import Random
from typing import Any

from euryale.workflows import (
    LATER,
    ONCE,
    Hook,
    Retry,
    Signal,
    Step,
    StepResponse,
    Workflow,
    detach,
    emit,
    for_each,
    parallelize,
    sleep,
    step,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.testing import Load

RETRY = Retry(max_attempts=3, initial=1)
APPROVED = Signal("approved", int)
NEWS = Signal("news", int)
PLACED = Hook("placed", int)


def made(name: str, *, timeout: float = 30, retry: Retry = RETRY) -> Step[Any, int, str]:
    @step(name=name, retry=retry, timeout=timeout)
    async def work(value: int) -> StepResponse[int, str]:
        return StepResponse(value + 1, undo=f"{name} of {value}")

    @work.compensate(retry=retry)
    async def _(undo: str | None, *, value: int) -> None:
        assert undo in {None, f"{name} of {value}"}

    return work


a, b, c, d, e, f, g = (made(name) for name in "abcdefg")
quick = made("quick", timeout=1, retry=Retry(max_attempts=2, initial=0))
brittle = made("brittle", retry=ONCE)


@step
async def plain(value: int) -> int:
    return value + 1


@step(completes="externally", external_timeout=60)
async def build(value: int) -> StepResponse[int, int]:
    return StepResponse(LATER, undo=value)


@build.compensate(retry=RETRY)
async def _(undo: int | None) -> None: ...


@step(completes="externally")
async def approval(value: int) -> int:
    return LATER


PLACED.attach(made("warehouse"))
PLACED.attach(made("mail"))


@workflow("straight")
def straight(value: int) -> int:
    return c(b(a(value)))


@workflow("inner")
def inner(value: int) -> int:
    emit("inner", value)
    return d(value)


@workflow("middle")
def middle(value: int) -> int:
    return e(inner(value))


@workflow("choosing")
def choosing(value: int) -> int:
    first = a(value)
    emit("first", {"value": first})
    chosen = (
        when(first, lambda value: value % 2 == 0)
        .then(lambda: when(first, lambda value: value > 3).then(lambda: b(first)).otherwise(lambda: plain(first)))
        .otherwise(lambda: c(first))
    )
    return g(transform(lambda value: value * 2, chosen))


@workflow("parallel")
def parallel(value: int) -> int:
    first = a(value)
    left, _, (right, _) = parallelize(
        lambda: c(b(first)),
        middle(first),
        lambda: parallelize(lambda: e(d(first)), lambda: when(first, bool).then(lambda: f(first)).otherwise(lambda: 0)),
    )
    emit("parallel", left)
    return g(transform(lambda left, right: left + right, left, right))


@workflow("hasty")
def hasty(value: int) -> int:
    first = a(value)
    left, _ = parallelize(lambda: c(b(first)), lambda: quick(inner(first)), on_failure="cancel")
    return d(left)


@workflow("patient")
def patient(value: int) -> int:
    first = a(value)
    parallelize(lambda: brittle(first), lambda: inner(b(first)), lambda: e(c(first)))
    return d(first)


@workflow("fanning")
def fanning(value: int) -> int:
    first = a(value)
    items = transform(lambda count: list(range(count % 7)), first)
    done = for_each(items, b, concurrency=2, tolerated_failures=1)
    some = for_each(items, inner, concurrency=3, tolerated_failures=0.5)
    enough = for_each(items, plain.named("any"), min_successful=1, tolerated_failures=6)
    return c(transform(lambda *lists: sum(map(len, lists)), done, some, enough))


@workflow("waiting", timeout=timedelta(minutes=20))
def waiting(value: int) -> int:
    first = build(a(value))
    sleep(5)
    approved = wait_for(APPROVED, timeout=60, default=7)
    news = wait_for(NEWS)
    return c(transform(lambda *values: sum(values), first, approved, news))


@workflow("asking", timeout=60)
def asking(value: int) -> int:
    left, right = parallelize(lambda: b(approval(a(value))), lambda: c(build(value)))
    return transform(lambda left, right: left + right, left, right)


@workflow("lenient")
def lenient(value: int) -> int:
    first = quick.continue_on_failure()(value)
    quick.named("skips").skip_to("c")(value)
    b(value)
    c(value)
    detach(straight, value)
    sent = PLACED(value)
    emit("lenient", first)
    return d(transform(len, sent))


def draw(random: Random) -> int:
    return random.randint(0, 9)


WORKFLOWS: tuple[Workflow[int, int], ...] = (
    straight, choosing, parallel, hasty, patient, fanning, waiting, asking, lenient, middle,
)  # fmt: skip
ANSWERS = dict.fromkeys(
    ("approved", "news", "build", "approval", "plain", "quick", "brittle", "warehouse", "mail", *"abcdefg"), draw
)
LOADS = [Load(each, draw, ANSWERS) for each in WORKFLOWS]
