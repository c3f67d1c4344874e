"""The workflows that our engine is measured with."""

import asyncio
import time

from euryale.workflows import Signal, step, wait_for, workflow

STEPS = 10
LONG = 1000


@step
async def add_one(value: int) -> int:
    """Do nothing: what is measured is the engine."""
    return value + 1


@workflow("ten-steps")
def ten_steps(value: int) -> int:
    """Ten steps, one after the other."""
    for _ in range(STEPS):
        value = add_one(value)
    return value


@workflow("one-step")
def one_step(value: int) -> int:
    """A single step."""
    return add_one(value)


MOMENTS: list[float] = []


@step
async def note_moment(value: int) -> int:
    """Note when it began."""
    MOMENTS.append(time.perf_counter())
    return value + 1


@workflow("long")
def long_one(value: int) -> int:
    """As many steps as are measured, and one that shows when the last of them has ended."""
    for _ in range(LONG + 1):
        value = note_moment(value)
    return value


WORD = Signal("word", str)


@workflow("waiting")
def waiting() -> str:
    """Wait until it is told something."""
    return wait_for(WORD)


class Gate:
    """Where executions are held in the middle of a step, for their process to be killed."""

    def __init__(self) -> None:
        self.shut = False
        self.held = 0
        self.wanted = 0
        self.all_held = asyncio.Event()

    def shut_for(self, wanted: int) -> None:
        """Hold whoever comes; ``all_held`` says that so many have."""
        self.shut, self.wanted = True, wanted

    async def pass_through(self) -> None:
        """Return at once, or never."""
        if self.shut:
            self.held += 1
            if self.held >= self.wanted:
                self.all_held.set()
            await asyncio.Event().wait()


GATE = Gate()


@step
async def go_through(value: int) -> int:
    """Be interrupted if the gate is shut."""
    await GATE.pass_through()
    return value + 1


@workflow("interrupted")
def interrupted(value: int) -> int:
    """A step that is done, one in which the process may die, and one for afterwards."""
    return add_one(go_through(add_one(value)))
