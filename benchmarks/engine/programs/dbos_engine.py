"""DBOS, in one process, on SQLite or PostgreSQL.

Usage: python -m engine.programs.dbos_engine URL

Workflows are started directly and not by way of a queue, which costs DBOS a write more for each and the wait for its
next poll (docs.dbos.dev, "Queues & Concurrency"); their results come from the memory of this process. Of its two
interfaces each time the one that was the faster where this was tried: the asynchronous one for lone workflows, the
synchronous one, with its threads, for many. Pools of 8 and of 50 connections were no faster than its 20. SQLite keeps
the durability that DBOS leaves it with, which is SQLite's own default: FULL.
"""

import asyncio
import sys

from dbos import DBOS, DBOSConfig

from engine.programs.telling import Answer, Stopwatch, be_told

STEPS = 10


@DBOS.step()
def add_one(value: int) -> int:
    """Do nothing: what is measured is the engine."""
    return value + 1


@DBOS.workflow()
def ten_steps(value: int) -> int:
    """Ten steps, one after the other."""
    for _ in range(STEPS):
        value = add_one(value)
    return value


@DBOS.step()
async def add_one_async(value: int) -> int:
    """Do nothing, asynchronously."""
    return value + 1


@DBOS.workflow()
async def ten_steps_async(value: int) -> int:
    """Ten asynchronous steps, one after the other."""
    for _ in range(STEPS):
        value = await add_one_async(value)
    return value


async def alone(executions: int) -> Answer:
    """Run workflows of ten steps, one after the other."""
    with Stopwatch() as watch:
        outputs = [await ten_steps_async(number) for number in range(executions)]
    assert outputs == [number + STEPS for number in range(executions)]
    return {"count": executions * STEPS, "seconds": watch.seconds}


async def many(executions: int, repeats: int) -> Answer:
    """Run workflows of ten steps, all at once, so many times."""
    return await asyncio.to_thread(run_many, executions, repeats)


def run_many(executions: int, repeats: int) -> Answer:
    """Start all of them, and wait for their results."""
    with Stopwatch() as watch:
        for _ in range(repeats):
            handles = [DBOS.start_workflow(ten_steps, number) for number in range(executions)]
            assert [handle.get_result() for handle in handles] == [number + STEPS for number in range(executions)]
    return {"count": executions * STEPS * repeats, "seconds": watch.seconds}


async def main(url: str) -> None:
    """Launch DBOS, and do what is said."""
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
    DBOS(config=config)
    DBOS.launch()
    try:
        await be_told(alone=alone, many=many)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
