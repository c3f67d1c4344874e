"""A worker process of a fleet on one PostgreSQL; appends each effect to a file as a line, until it is told to end.

Usage: fleet_worker.py URL EFFECTS
"""

import asyncio
import signal
import sys

from euryale.workflows import Engine
from euryale.workflows.stores.postgres import PostgresStore
from shop import Effects, undoable_shop

URL, EFFECTS = sys.argv[1:]
LEASE = 1.5


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    shop = undoable_shop(Effects(EFFECTS).note)
    async with Engine(PostgresStore(URL), workflows=[shop], lease=LEASE, concurrency=30):
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
