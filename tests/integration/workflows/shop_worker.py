"""A worker process: runs many executions on one SQLite file, and appends each effect to a file as a line.

Usage: shop_worker.py DATABASE EFFECTS COUNT
"""

import asyncio
import json
import os
import sys

from euryale.workflows import Engine, ExecutionError, Retry, StepResponse, parallelize, step, step_context, workflow
from euryale.workflows.stores.sqlite import SQLiteStore

DATABASE, EFFECTS, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
RETRY = Retry(max_attempts=3, initial=0.001)
LINES = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def effect(kind: str, name: str) -> None:
    os.write(LINES, f"{step_context().root} {kind} {name}\n".encode())


def made(name):
    async def work(order: int) -> StepResponse[int, str]:
        if name == "pay" and step_context().attempt == 1 and order % 4 == 0:
            raise RuntimeError("the bank is busy")
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
    paid, _ = parallelize(pay(order), pack(reserve.named("reserve-box")(order)))
    return ship(thank(reserve(paid)))


async def run(engine: Engine, order: int) -> None:
    try:
        await engine.run(shop, order, id=f"e{order}")
    except ExecutionError:
        assert order % 3 == 0


async def main() -> None:
    async with Engine(SQLiteStore(DATABASE), workflows=[shop]) as engine:
        await asyncio.gather(*(run(engine, order) for order in range(COUNT)))
        views = [await engine.get(f"e{order}") for order in range(COUNT)]
    sys.stdout.write(json.dumps({view.id: view.status for view in views}))


if __name__ == "__main__":
    asyncio.run(main())
