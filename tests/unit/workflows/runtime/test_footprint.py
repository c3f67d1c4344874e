"""What an execution leaves in memory once it has ended."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from euryale.workflows import Engine, ExecutionReverted, PermanentFailure, sleep, step, workflow
from euryale.workflows.stores.memory import MemoryStore


@step
async def add_one(number: int) -> int:
    return number + 1


@add_one.compensate
async def take_one(number: int) -> None:
    """Undo it."""


@step
async def refuse(number: int) -> int:
    raise PermanentFailure("no")


@workflow("adding")
def adding(number: int) -> int:
    return add_one(add_one(number))


@workflow("resting")
def resting(number: int) -> int:
    sleep(0.001)
    return add_one(number)


@workflow("refused")
def refused(number: int) -> int:
    return refuse(add_one(number))


@contextmanager
def collected() -> Iterator[list[str]]:
    """Yield a list that holds the types of ours which the collector of cycles had to free, once the block is left."""
    found: list[str] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += [type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("euryale")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("flow", [adding, resting], ids=["adding", "resting"])
async def test_an_execution_leaves_no_cycles(flow):
    async with Engine(MemoryStore(), workflows=[flow]) as engine:
        await engine.run(flow, 1)
        with collected() as cycles:
            assert await engine.run(flow, 1) == (3 if flow is adding else 2)
    assert cycles == []


async def test_nor_does_one_that_is_undone():
    async with Engine(MemoryStore(), workflows=[refused]) as engine:
        with collected() as cycles, pytest.raises(ExecutionReverted):
            await engine.run(refused, 1)
    assert cycles == []


async def test_asking_again_for_what_has_ended_leaves_nothing():
    async with Engine(MemoryStore(), workflows=[adding]) as engine:
        for number in range(20):
            await engine.run(adding, number, id=f"adding-{number}")
        gc.collect()
        before = sum(isinstance(each, asyncio.Future) for each in gc.get_objects())
        for number in range(20):
            assert await engine.handle(f"adding-{number}").result() == number + 2
        gc.collect()
        assert sum(isinstance(each, asyncio.Future) for each in gc.get_objects()) <= before
