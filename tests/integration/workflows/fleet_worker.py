"""A worker process of a fleet on one PostgreSQL; appends each effect to a file as a line, until it is told to end.

Usage: fleet_worker.py URL EFFECTS
"""

import asyncio
import os
import signal
import sys

from euryale.workflows import Engine, Retry, StepResponse, parallelize, step, step_context, workflow
from euryale.workflows.stores.postgres import PostgresStore

URL, EFFECTS = sys.argv[1], sys.argv[2]
LEASE = 1.5
RETRY = Retry(max_attempts=3, initial=0.001)
LINES = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def effect(kind: str, name: str) -> None:
    os.write(LINES, f"{os.getpid()} {step_context().root} {kind} {name}\n".encode())


def made(name):
    async def work(order: int) -> StepResponse[int, str]:
        effect("do", step_context().step)
        return StepResponse(order, undo=name)

    step_made = step(name=name, retry=RETRY)(work)

    @step_made.compensate(retry=RETRY)
    async def _(undo: str | None) -> None:
        effect("undo", step_context().step)

    return step_made


reserve, pay, wrap, label, thank = (made(name) for name in ("reserve", "pay", "wrap", "label", "thank"))


@step
async def ship(order: int) -> int:
    if order % 3 == 0:
        raise RuntimeError("no ship leaves")
    effect("do", "ship")
    return order


@workflow("pack")
def pack(order: int) -> int:
    return label(wrap(order))


@workflow("shop")
def shop(order: int) -> int:
    paid, _ = parallelize(pay(order), pack(order))
    return ship(thank(reserve(paid)))


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with Engine(PostgresStore(URL), workflows=[shop], lease=LEASE, concurrency=30):
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
