"""A worker process that drains when it is told to end; appends the beginning and the end of each step to a file.

Usage: drain_worker.py STORE EFFECTS LIMIT
"""

import asyncio
import sys
from pathlib import Path

from euryale.kit.clock import SYSTEM_CLOCK, pause
from euryale.workflows import Engine, Step, step, step_context
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from shop import Effects, shop_of

STORE, EFFECTS, LIMIT = sys.argv[1:]
LEASE = 120.0
"""Much longer than the tests wait: who waits for a lease fails them."""
LINES = Effects(EFFECTS)
HANGS = Path(EFFECTS).with_name("hangs")


def note(what: str) -> None:
    here = step_context()
    LINES.line(what, here.execution, here.step)


def made(name: str) -> Step:
    async def work(order: int) -> int:
        note("begin")
        await pause(SYSTEM_CLOCK, 0.02)
        while HANGS.exists():
            await pause(SYSTEM_CLOCK, 0.02)
        note("end")
        return order

    return step(name=name)(work)


def ready() -> None:
    sys.stdout.write("open\n")
    sys.stdout.flush()


def main() -> None:
    store = PostgresStore(STORE) if STORE.startswith("postgresql:") else SQLiteStore(STORE)
    engine = Engine(store, workflows=[shop_of(made, made("ship"))], lease=LEASE, concurrency=30)
    asyncio.run(engine.serve(drain_within=float(LIMIT), on_ready=ready))


if __name__ == "__main__":
    main()
