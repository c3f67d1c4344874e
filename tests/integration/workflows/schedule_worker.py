"""A worker process with a schedule of one tick a second.

Usage: schedule_worker.py URL
"""

import asyncio
import sys

from euryale.workflows import Engine, Schedule, step, workflow
from euryale.workflows.stores.postgres import PostgresStore

URL = sys.argv[1]
LEASE = 1.5


@step
async def note(second: int) -> int:
    return second


@workflow("tick")
def tick(second: int) -> int:
    return note(second)


def ready() -> None:
    sys.stdout.write("open\n")
    sys.stdout.flush()


def main() -> None:
    schedule = Schedule("seconds", tick, lambda at: int(at.timestamp()), every=1, catch_up="all")
    asyncio.run(Engine(PostgresStore(URL), schedules=[schedule], lease=LEASE).serve(on_ready=ready))


if __name__ == "__main__":
    main()
