"""Workflows that use every construct, for the crash matrix: what they do, and how they end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from euryale.workflows import (
    LATER,
    Engine,
    ExecutionError,
    Retry,
    Status,
    Step,
    StepResponse,
    Workflow,
    emit,
    parallelize,
    step,
    step_context,
    transform,
    when,
    workflow,
)
from euryale.workflows.testing import Effects

RETRY = Retry(max_attempts=3, initial=0.001)


@dataclass
class World:
    """What steps change, and what they reach for outside."""

    effects: Effects = field(default_factory=Effects)
    delivered: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Scenario:
    """A workflow, how it ends, and which of its effects come in which order.

    Attributes:
        flow: The workflow.
        status: How it ends, whatever happens on the way.
        order: Names of effects, each done after those before it and undone before them.
        act: What somebody outside does while it runs; repeated after a crash.
    """

    flow: Workflow[str, Any]
    status: Status
    order: tuple[str, ...]
    act: Callable[[Engine, World], Any] | None = None


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


SCENARIOS: tuple[Callable[[World], Scenario], ...] = (
    straight,
    everything,
    everything_undone,
    undone_with_retries,
    not_undone,
    branch_fails_and_waits,
    branch_fails_and_cancels,
    completed_outside,
    completed_outside_and_undone,
    cancelled_while_waiting,
)


async def outcome(engine: Engine, flow: Workflow[str, Any]) -> Any:
    """Run the workflow, or join it; return its result, or None if it did not succeed."""
    try:
        return await engine.run(flow, "x", id="e")
    except ExecutionError:
        return None
