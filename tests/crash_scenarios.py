"""Workflows that use every construct, for the crash matrix: what they do, and how they end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from euryale.kit.clock import SYSTEM_CLOCK, Clock, ManualClock
from euryale.kit.secret import Secret
from euryale.workflows import (
    LATER,
    Engine,
    ExecutionError,
    Hook,
    PermanentFailure,
    Retry,
    Signal,
    Status,
    Step,
    StepResponse,
    Workflow,
    detach,
    emit,
    for_each,
    parallelize,
    sleep,
    step,
    step_context,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.testing import Effects
from eventually import eventually

RETRY = Retry(max_attempts=3, initial=0.001)


@dataclass
class World:
    """What steps change, and what they reach for outside."""

    effects: Effects = field(default_factory=Effects)
    delivered: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    mended: asyncio.Event = field(default_factory=asyncio.Event)
    clock: Clock = SYSTEM_CLOCK


@dataclass(frozen=True)
class Scenario:
    """A workflow, how it ends, and which of its effects come in which order.

    Attributes:
        flow: The workflow.
        status: How it ends, whatever happens on the way.
        order: Names of effects, each done after those before it and undone before them.
        act: What somebody outside does while it runs; repeated after a crash.
        afterwards: What somebody does when it has ended; repeated after a crash.
        apart: Names of effects of workflows that are on their own: not undone with this one.
    """

    flow: Workflow[str, Any]
    status: Status
    order: tuple[str, ...]
    act: Callable[[Engine, World], Any] | None = None
    afterwards: Callable[[Engine, World], Any] | None = None
    apart: frozenset[str] = frozenset()


def made(world: World, name: str, *, fails: int = 0, undo_fails: int = 0) -> Step[Any, str, str]:
    """Return a step whose first attempts fail, and whose compensation's first attempts fail."""

    async def work(value: str) -> StepResponse[str, str]:
        if step_context().attempt <= fails:
            raise RuntimeError(f"{name} fails")
        await world.effects.do(name)
        return StepResponse(f"{value}.{name}", undo=name)

    step_made = step(name=name, retry=RETRY)(work)

    @step_made.compensate(retry=RETRY)
    async def _(undo: str | None) -> None:
        if step_context().attempt <= undo_fails:
            raise RuntimeError(f"undoing {name} fails")
        await world.effects.undo(name)
        assert undo in {None, name}

    return step_made


def failing(name: str) -> Step[Any, str, str]:
    """Return a step that fails for good."""

    async def work(value: str) -> str:
        raise RuntimeError(f"{name} fails for good: {value}")

    return step(name=name, retry=RETRY)(work)


def straight(world: World) -> Scenario:
    a, b, c = made(world, "a"), made(world, "b", fails=2), made(world, "c")

    @workflow("straight")
    def flow(value: str) -> str:
        return c(b(a(value)))

    return Scenario(flow, Status.SUCCEEDED, ("a", "b", "c"))


def composed(world: World, last: Step[Any, str, str]) -> Workflow[str, str]:
    """Return a workflow that uses every construct."""
    a, b, c, d, e = (made(world, name) for name in "abcde")

    @workflow("inner")
    def inner(value: str) -> str:
        emit("inner", value)
        return d(value)

    @workflow("composed")
    def flow(value: str) -> str:
        first = a(value)
        emit("first", {"value": first})
        left, _ = parallelize(
            lambda: when(first, bool).then(lambda: b(first)).otherwise(lambda: c(first)), inner(first)
        )
        return last(e(transform(lambda text: f"<{text}>", left)))

    return flow


def everything(world: World) -> Scenario:
    return Scenario(composed(world, made(world, "f", fails=1)), Status.SUCCEEDED, ("a", "b", "e", "f"))


def everything_undone(world: World) -> Scenario:
    return Scenario(composed(world, failing("f")), Status.REVERTED, ("a", "b", "e"))


def undone_with_retries(world: World) -> Scenario:
    a, b, c = made(world, "a", undo_fails=2), made(world, "b"), made(world, "c", undo_fails=1)

    @workflow("undone-with-retries")
    def flow(value: str) -> str:
        return failing("d")(c(b(a(value))))

    return Scenario(flow, Status.REVERTED, ("a", "b", "c"))


def not_undone(world: World) -> Scenario:
    a, b, c = made(world, "a"), made(world, "b", undo_fails=9), made(world, "c")

    @workflow("not-undone")
    def flow(value: str) -> str:
        return failing("d")(c(b(a(value))))

    return Scenario(flow, Status.FAILED, ("a", "c"))


def branch_fails_and_waits(world: World) -> Scenario:
    """The result of one branch is written after the failure of another, and before the turn that follows from it."""

    @step
    async def fail(_: str) -> str:
        await world.slow.wait()
        world.failed.set()
        raise RuntimeError("for good")

    @step
    async def slow(value: str) -> str:
        world.slow.set()
        await world.failed.wait()
        await world.effects.do("slow")
        return value

    @slow.compensate
    async def _(undo: str | None) -> None:
        await world.effects.undo("slow")

    a, b, c, d = made(world, "a"), made(world, "b", fails=1), made(world, "c"), made(world, "d")

    @workflow("branch-fails-and-waits")
    def flow(value: str) -> str:
        first = a(value)
        left, _, _, _ = parallelize(b(first), fail(first), lambda: d(c(first)), lambda: slow(first))
        return left

    return Scenario(flow, Status.REVERTED, ("a", "c"))


def branch_fails_and_cancels(world: World) -> Scenario:
    a, b = made(world, "a"), made(world, "b")

    @workflow("inner-cancelled")
    def inner(value: str) -> str:
        return made(world, "d")(b(value))

    @workflow("branch-fails-and-cancels")
    def flow(value: str) -> str:
        first = a(value)
        left, _ = parallelize(inner(first), failing("x")(first), on_failure="cancel")
        return left

    return Scenario(flow, Status.REVERTED, ("a", "b"))


def external(world: World, last: Step[Any, str, str]) -> Workflow[str, str]:
    @step(completes="externally")
    async def build(value: str) -> StepResponse[str, str]:
        await world.effects.do("build")
        world.waiting.set()
        return StepResponse(LATER, undo=value)

    @build.compensate
    async def _(undo: str | None) -> None:
        await world.effects.undo("build")

    @workflow("external")
    def flow(value: str) -> str:
        return last(build(made(world, "a")(value)))

    return flow


async def complete(engine: Engine, world: World) -> None:
    await world.waiting.wait()
    await engine.complete("e/build", "built")


async def cancel(engine: Engine, world: World) -> None:
    await world.waiting.wait()
    await engine.cancel("e")


def completed_outside(world: World) -> Scenario:
    return Scenario(external(world, made(world, "z")), Status.SUCCEEDED, ("a", "build", "z"), complete)


def completed_outside_and_undone(world: World) -> Scenario:
    return Scenario(external(world, failing("z")), Status.REVERTED, ("a", "build"), complete)


def cancelled_while_waiting(world: World) -> Scenario:
    return Scenario(external(world, made(world, "z")), Status.REVERTED, ("a", "build"), cancel)


def nested(world: World) -> Scenario:
    a, b, c, d, e, f = (made(world, name) for name in "abcdef")

    @workflow("nested")
    def flow(value: str) -> str:
        first = a(value)
        (left, _), right = parallelize(
            lambda: parallelize(lambda: c(b(first)), lambda: when(first, bool).then(lambda: d(first)).result),
            lambda: (
                when(first, lambda text: text == "?")
                .then(lambda: first)
                .otherwise(lambda: when(first, bool).then(lambda: e(first)).otherwise(lambda: failing("x")(first)))
            ),
        )
        return f(transform(lambda left, right: f"{left}+{right}", left, right))

    return Scenario(flow, Status.SUCCEEDED, ("a", "b", "c", "f"))


def item(world: World) -> Step[[str], str, str]:
    """Return a step that does a thing for each item, and fails for the second."""

    @step
    async def pack(name: str) -> str:
        if name == "item1":
            raise PermanentFailure("it does not fit")
        await world.effects.do(name)
        return name.upper()

    @pack.compensate(retry=RETRY)
    async def _(undo: str | None, *, name: str) -> None:
        await world.effects.undo(name)

    return pack


def fanning(world: World, last: Step[Any, str, str]) -> Workflow[str, str]:
    a, b = made(world, "a"), made(world, "b")

    @workflow("one-of-many")
    def one(value: str) -> str:
        return b(value)

    @workflow("fanned")
    def flow(value: str) -> str:
        first = a(value)
        packed = for_each(["item0", "item1", "item2"], item(world), concurrency=2, tolerated_failures=1)
        others = for_each([first, first], one, concurrency=1)
        nothing = for_each([], one)
        return last(transform(lambda *lists: "".join(str(each) for each in lists), packed, others, nothing))

    return flow


def fanned(world: World) -> Scenario:
    return Scenario(fanning(world, made(world, "z")), Status.SUCCEEDED, ("a", "item0", "b", "z"))


def fanned_undone(world: World) -> Scenario:
    return Scenario(fanning(world, failing("z")), Status.REVERTED, ("a", "item0", "b"))


def detached(world: World) -> Scenario:
    @workflow("on-its-own")
    def alone(value: str) -> str:
        return made(world, "alone")(value)

    @workflow("beside")
    def beside(value: str) -> str:
        return made(world, "b")(value)

    @workflow("detached")
    def flow(value: str) -> str:
        first = made(world, "a")(value)
        detach(alone, first)
        return failing("z")(beside(first))

    return Scenario(flow, Status.REVERTED, ("a", "b"), apart=frozenset({"alone"}))


def slept(world: World) -> Scenario:
    @workflow("slept")
    def flow(value: str) -> str:
        first = made(world, "a")(value)
        sleep(0.002)
        return made(world, "b")(first)

    return Scenario(flow, Status.SUCCEEDED, ("a", "b"))


GO = Signal("go", str)


def signalling(world: World, *, sent_first: bool) -> Workflow[str, str]:
    @step
    async def prepare(value: str) -> str:
        await world.effects.do("prepare")
        world.waiting.set()
        if sent_first:
            await world.slow.wait()
        return value

    @workflow("signalled")
    def flow(value: str) -> str:
        prepare(value)
        first = wait_for(GO, timeout=60)
        second = wait_for(GO, timeout=0.002, default="too late")
        return made(world, "z")(transform(lambda first, second: f"{first}, {second}", first, second))

    return flow


async def tell(engine: Engine, world: World) -> None:
    await world.waiting.wait()
    await engine.signal("e", GO, "go", key="1")
    world.slow.set()


async def tell_who_waits(engine: Engine, world: World) -> None:
    await world.waiting.wait()

    async def waits() -> bool:
        view = await engine.get("e")
        return view.status.ended or any(each.state == "waiting" for each in view.steps)

    await eventually(waits, every=0.001)
    await tell(engine, world)


async def tell_too_late(engine: Engine, world: World) -> None:
    assert not await engine.signal("e", GO, "late", key="2")


def signalled_before(world: World) -> Scenario:
    return Scenario(signalling(world, sent_first=True), Status.SUCCEEDED, ("prepare", "z"), tell, tell_too_late)


def signalled_while(world: World) -> Scenario:
    flow = signalling(world, sent_first=False)
    return Scenario(flow, Status.SUCCEEDED, ("prepare", "z"), tell_who_waits, tell_too_late)


async def refuse(engine: Engine, world: World) -> None:
    await world.waiting.wait()
    await engine.fail("e/build", "it does not compile")


def failed_outside(world: World) -> Scenario:
    return Scenario(external(world, made(world, "z")), Status.REVERTED, ("a", "build"), refuse)


def hooked(world: World) -> Scenario:
    placed = Hook("placed", str)
    placed.attach(made(world, "first"))
    placed.attach(made(world, "second", fails=1))

    @workflow("hooked")
    def flow(value: str) -> str:
        told = placed(made(world, "a")(value))
        return failing("z")(transform(str, told))

    return Scenario(flow, Status.REVERTED, ("a", "first", "second"))


def gone_on_without(world: World) -> Scenario:
    a, b, c, d = (made(world, name) for name in "abcd")

    @workflow("gone-on-without")
    def flow(value: str) -> str:
        first = a(value)
        failing("x").continue_on_failure()(first)
        failing("y").skip_to("d")(first)
        b(c(first))
        return d(first)

    return Scenario(flow, Status.SUCCEEDED, ("a", "d"))


def stuck(world: World, *, timeout: float | None = None) -> Step[Any, str, str]:
    @step(name="stuck", timeout=timeout)
    async def work(value: str) -> str:
        await world.effects.do("stuck")
        world.waiting.set()
        await asyncio.Event().wait()
        return value

    @work.compensate(retry=RETRY)
    async def _(undo: str | None) -> None:
        assert undo is None
        await world.effects.undo("stuck")

    return work


def step_timed_out(world: World) -> Scenario:
    @workflow("step-timed-out")
    def flow(value: str) -> str:
        return stuck(world, timeout=0.005)(made(world, "a")(value))

    return Scenario(flow, Status.REVERTED, ("a", "stuck"))


def timed_out(world: World) -> Scenario:
    """Its time is over once it is stuck, crash or no crash, however slow the machine is."""
    clock = world.clock = ManualClock()

    @workflow("timed-out", timeout=0.25)
    def flow(value: str) -> str:
        return stuck(world)(made(world, "a")(value))

    async def let_time_pass(_: Engine, world: World) -> None:
        await world.waiting.wait()
        clock.advance(0.25)

    return Scenario(flow, Status.REVERTED, ("a", "stuck"), let_time_pass)


async def mend(engine: Engine, world: World) -> None:
    world.mended.set()
    if (await engine.get("e")).status is Status.FAILED:
        await engine.retry("e")


def undone_at_last(world: World) -> Scenario:
    """A compensation gives up; somebody mends what is at fault, and has it tried again."""
    b = step(name="b")(made(world, "b").function)

    @b.compensate(retry=RETRY)
    async def _(undo: str | None) -> None:
        if not world.mended.is_set():
            raise RuntimeError("it is locked")
        await world.effects.undo("b")

    @workflow("undone-at-last")
    def flow(value: str) -> str:
        return failing("d")(made(world, "c")(b(made(world, "a")(value))))

    return Scenario(flow, Status.REVERTED, ("a", "c"), None, mend)


def secretive(world: World) -> Scenario:
    @step
    async def draw(value: str) -> StepResponse[Secret, Secret]:
        await world.effects.do("draw")
        return StepResponse(Secret(f"password of {value}"), undo=Secret("key to undo"))

    @draw.compensate(retry=RETRY)
    async def _(undo: Secret | None) -> None:
        assert undo in {None, Secret("key to undo")}
        await world.effects.undo("draw")

    @step
    async def use(password: Secret) -> str:
        assert password.reveal() == "password of x"
        await world.effects.do("use")
        raise RuntimeError(f"{password.reveal()} is wrong")

    @workflow("secretive")
    def flow(value: str) -> str:
        return use(draw(value))

    return Scenario(flow, Status.REVERTED, ("draw", "use"))


SCENARIOS: tuple[Callable[[World], Scenario], ...] = (
    straight,
    everything,
    everything_undone,
    undone_with_retries,
    not_undone,
    undone_at_last,
    branch_fails_and_waits,
    branch_fails_and_cancels,
    completed_outside,
    completed_outside_and_undone,
    failed_outside,
    cancelled_while_waiting,
    nested,
    fanned,
    fanned_undone,
    detached,
    slept,
    signalled_before,
    signalled_while,
    hooked,
    gone_on_without,
    step_timed_out,
    timed_out,
    secretive,
)


async def outcome(engine: Engine, flow: Workflow[str, Any]) -> Any:
    """Run the workflow, or join it; return its result, or None if it did not succeed."""
    try:
        return await engine.run(flow, "x", id="e")
    except ExecutionError:
        return None
