"""What the tests of backends share: a backend that is closed, and steps that leave traces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

from euryale.workflows.backend import Backend
from euryale.workflows.definition.policy import ONCE, Retry
from euryale.workflows.definition.step import Step, StepResponse, step
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.relay import Deliver
from euryale.workflows.testing.effects import Effects
from euryale.workflows.testing.faults import FaultSwitch

E = TypeVar("E", bound=Exception)

PATIENCE: Final = 60.0
"""Seconds that a test may take: what has not happened by then will not."""

SOON: Final = Retry(max_attempts=3, initial=0.001)
"""Three attempts, one right after the other."""

_LOOK_EVERY: Final = 0.01


class BackendFactory(Protocol):
    """Makes backends over the same executions; there are none at first."""

    async def __call__(self, *workflows: Workflow[Any, Any], deliver: Deliver | None = None) -> Backend:
        """Return a backend that is open.

        Args:
            workflows: Those that it executes.
            deliver: Called with each released event; default: nobody is.
        """
        ...


@asynccontextmanager
async def opened(
    new_backend: BackendFactory, *workflows: Workflow[Any, Any], deliver: Deliver | None = None
) -> AsyncIterator[Backend]:
    """Give a backend, for as long as a test may take, and close it.

    Raises:
        TimeoutError: If it takes longer.
    """
    async with asyncio.timeout(PATIENCE):
        backend = await new_backend(*workflows, deliver=deliver)
        try:
            yield backend
        finally:
            await backend.close()


async def caught(kind: type[E], awaitable: Awaitable[Any]) -> E:
    """Return the error that comes instead of a result.

    Raises:
        AssertionError: If there is a result.
    """
    try:
        result = await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{result!r} came instead of {kind.__name__}")


async def reached(backend: Backend, execution_id: str, status: Status) -> None:
    """Return when an execution stands there."""
    while (await backend.get(execution_id)).status is not status:  # noqa: ASYNC110 -- backends tell nobody of a change
        await asyncio.sleep(_LOOK_EVERY)


class Scene:
    """A world that steps change; each step is known there by its name.

    Attributes:
        effects: What they did and undid. What is undone has the name, a colon, and what the compensation was given.
        faults: Lets a step fail by its name, and its compensation by ``undo-`` and its name.
    """

    def __init__(self) -> None:
        self.effects = Effects()
        self.faults = FaultSwitch()

    def step(self, name: str, *, retry: Retry = ONCE) -> Step[[str], str, str]:
        """Return a step that adds its name to a text, and leaves ``undo-`` and its name for its compensation."""

        async def work(value: str) -> StepResponse[str, str]:
            self.faults.check(name)
            await self.effects.do(name)
            return StepResponse(f"{value}{name}", undo=f"undo-{name}")

        made = step(name=name, retry=retry)(work)
        self._undo(made)
        return made

    def steps(self, names: str) -> tuple[Step[[str], str, str], ...]:
        """Return a step for each letter."""
        return tuple(map(self.step, names))

    def hanging(self, name: str, *, timeout: float | None = None) -> "Hanging":
        """Return a step that does not end by itself."""
        begun, interrupted = asyncio.Event(), asyncio.Event()

        async def work(value: str) -> str:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                interrupted.set()
            return value

        made = step(name=name, timeout=timeout)(work)
        self._undo(made)
        return Hanging(made, begun, interrupted)

    def _undo(self, made: Step[[str], str, str]) -> None:
        @made.compensate(retry=SOON)
        async def _(undo: str | None) -> None:
            self.faults.check(f"undo-{made.name}")
            await self.effects.undo(f"{made.name}:{undo}")


class Hanging:
    """A step that does not end by itself.

    Attributes:
        step: The step.
        begun: Set when it runs.
        interrupted: Set when it was interrupted.
    """

    def __init__(self, made: Step[[str], str, str], begun: asyncio.Event, interrupted: asyncio.Event) -> None:
        self.step = made
        self.begun = begun
        self.interrupted = interrupted
