"""Our engine, in one process.

Usage: python -m engine.programs.own_engine memory|sqlite|postgres FILE-OR-URL CONCURRENCY
"""

import asyncio
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.programs.own_workflows import (
    GATE,
    LONG,
    MOMENTS,
    STEPS,
    interrupted,
    long_one,
    one_step,
    ten_steps,
    waiting,
)
from engine.programs.telling import Answer, Stopwatch, be_told
from euryale.workflows import Engine, ExecutionQuery, Status, Store, Workflow
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore

KNOWN = (ten_steps, one_step, long_one, waiting, interrupted)
AT_ONCE = 500

I = TypeVar("I")  # noqa: E741 -- the input's type


def store_of(kind: str, place: str) -> Store:
    """Return a store with the durability that it has by default: ``full``."""
    if kind == "memory":
        return MemoryStore()
    return SQLiteStore(place) if kind == "sqlite" else PostgresStore(place)


class Actions:
    """What the benchmark asks of an engine."""

    def __init__(self, engine: Engine, finished: "Finished") -> None:
        self._engine = engine
        self._finished = finished

    async def alone(self, executions: int) -> Answer:
        """Run executions of ten steps, one after the other."""
        with Stopwatch() as watch:
            for number in range(executions):
                assert await self._engine.run(ten_steps, number) == number + STEPS
        return {"count": executions * STEPS, "seconds": watch.seconds}

    async def many(self, executions: int, repeats: int) -> Answer:
        """Run executions of ten steps, all at once, so many times."""
        seconds = 0.0
        for _ in range(repeats):
            with Stopwatch() as watch:
                outputs = await asyncio.gather(*(self._engine.run(ten_steps, number) for number in range(executions)))
            assert outputs == [number + STEPS for number in range(executions)]
            seconds += watch.seconds
        return {"count": executions * STEPS * repeats, "seconds": seconds}

    async def hand_off(self, executions: int) -> Answer:
        """Start executions for a worker of another process, one after the other, and wait for each one's result."""
        took = []
        for number in range(executions):
            with Stopwatch() as watch:
                handle = await self._engine.start(one_step, number)
                assert await handle.result() == number + 1
            took.append(watch.seconds)
        return {"seconds_each": took}

    async def long(self) -> Answer:
        """Run one execution of a thousand steps; return the seconds that its first and its last hundred took."""
        MOMENTS.clear()
        assert await self._engine.run(long_one, 0) == LONG + 1
        return {"first": MOMENTS[100] - MOMENTS[0], "last": MOMENTS[LONG] - MOMENTS[LONG - 100]}

    async def wait_in_middle(self, executions: int) -> Answer:
        """Start executions, and return when each one is in the middle of its second step."""
        GATE.shut_for(executions)
        await self._start(interrupted, range(executions))
        await GATE.all_held.wait()
        return {"held": GATE.held}

    async def begin_waiting(self, executions: int) -> Answer:
        """Start executions that wait for a signal."""
        await self._start(waiting, [None] * executions)
        return {"started": executions}

    async def _start(self, workflow: Workflow[I, Any], inputs: Sequence[I]) -> None:
        for first in range(0, len(inputs), AT_ONCE):
            some = inputs[first : first + AT_ONCE]
            await asyncio.gather(*(self._engine.start(workflow, value) for value in some))

    async def memory(self) -> Answer:
        """Return the resident memory, in bytes."""
        gc.collect()
        return {"resident": resident_bytes()}

    async def reach_finished(self, executions: int) -> Answer:
        """Return when so many executions that another process left have ended."""
        await self._finished.reach(executions)
        return {"finished": executions}

    async def count_succeeded(self, executions: int) -> Answer:
        """Return how many of them have succeeded."""
        query = ExecutionQuery(workflow=interrupted.plan.name, statuses=frozenset({Status.SUCCEEDED}), limit=executions)
        return {"succeeded": len(await self._engine.list(query))}


class Finished:
    """Counts executions that have ended."""

    def __init__(self, engine: Engine) -> None:
        self._count = 0
        self._wanted = 0
        self._reached = asyncio.Event()
        engine.telemetry.attach(self._hear)

    def _hear(self, name: str, _: Mapping[str, Any]) -> None:
        """Listen to what the engine reports."""
        if name == "workflow.execution.finished":
            self._count += 1
            if self._count == self._wanted:
                self._reached.set()

    async def reach(self, wanted: int) -> None:
        """Return when so many have ended."""
        self._wanted = wanted
        if self._count < wanted:
            await self._reached.wait()


def resident_bytes() -> int:
    """Return how much memory this process has in the machine's."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def main(kind: str, place: str, concurrency: str) -> None:
    """Open an engine, and do what is said."""
    engine = Engine(store_of(kind, place), workflows=KNOWN, concurrency=int(concurrency))
    finished = Finished(engine)
    async with engine:
        actions = Actions(engine, finished)
        await be_told(
            alone=actions.alone,
            many=actions.many,
            hand_off=actions.hand_off,
            long=actions.long,
            wait_in_middle=actions.wait_in_middle,
            begin_waiting=actions.begin_waiting,
            memory=actions.memory,
            reach_finished=actions.reach_finished,
            count_succeeded=actions.count_succeeded,
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
