"""A worker process that does what depends on time, in every way; appends each effect to a file as a line.

Usage: clock_worker.py STORE EFFECTS COUNT

STORE is the URL of a PostgreSQL, or the path of a SQLite file. COUNT orders are started by it, one after another.
Vigils end when it gets SIGUSR1.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from euryale.kit.clock import SYSTEM_CLOCK, pause
from euryale.workflows import (
    Engine,
    PermanentFailure,
    Retry,
    Schedule,
    Signal,
    parallelize,
    sleep,
    step,
    step_context,
    wait_for,
    workflow,
)
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore

STORE, EFFECTS, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
FEW = 5
LEASE = 4.0
BRIEFLY = Retry(max_attempts=3, initial=0.3, factor=1, jitter=False)
MORNING = asyncio.Event()
LINES = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def effect(kind: str) -> None:
    context = step_context()
    now = SYSTEM_CLOCK.now().timestamp()
    os.write(LINES, f"{context.root} {kind} {context.step} {context.attempt} {now:.3f}\n".encode())


@step(retry=BRIEFLY)
async def reserve(order: int) -> int:
    effect("do")
    if step_context().attempt == 1:
        raise RuntimeError("nobody answers the phone")
    return order


@reserve.compensate(retry=BRIEFLY)
async def _(order: int | None) -> None:
    effect("undo")
    if step_context().attempt == 1:
        raise RuntimeError("nobody answers the phone")


@step
async def ship(order: int) -> int:
    effect("do")
    if order % 3 == 0:
        raise PermanentFailure("no ship leaves")
    return order


@step
async def wake(order: int) -> int:
    effect("do")
    return order


@step(timeout=300)
async def watch(order: int) -> int:
    effect("do")
    await MORNING.wait()
    return order


@workflow("order")
def place_order(order: int) -> int:
    reserved = reserve(order)
    sleep(1.2)
    return ship(reserved)


@workflow("nap")
def nap(order: int) -> int:
    sleep(timedelta(hours=12))
    return wake(order)


@workflow("ask")
def ask(order: int) -> int:
    return wake(wait_for(Signal("answer", int), timeout=timedelta(hours=12), default=order))


@workflow("vigil")
def vigil(order: int) -> int:
    def nodding() -> int:
        sleep(timedelta(hours=12))
        return wake(order)

    watched, _ = parallelize(watch(order), nodding)
    return watched


@workflow("tick", retention=timedelta(days=30))
def tick(second: int) -> int:
    return wake(second)


async def start_all(engine: Engine) -> None:
    for number in range(FEW if COUNT else 0):
        for flow in (nap, ask, vigil):
            await engine.start(flow, number, id=f"{flow.name}-{number}")
    for number in range(COUNT):
        await engine.start(place_order, number, id=f"order-{number}")
        await pause(SYSTEM_CLOCK, 0.05)


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, MORNING.set)
    store = PostgresStore(STORE) if "://" in STORE else SQLiteStore(STORE)
    schedule = Schedule("seconds", tick, lambda at: int(at.timestamp()), every=1)
    flows = [place_order, nap, ask, vigil]
    async with Engine(store, workflows=flows, schedules=[schedule], lease=LEASE) as engine:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        starting = asyncio.create_task(start_all(engine))
        await ended.wait()
        await starting


if __name__ == "__main__":
    asyncio.run(main())
