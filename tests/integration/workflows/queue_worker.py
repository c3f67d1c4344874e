"""A worker process with a queue on one PostgreSQL; writes a line when an execution begins and when it ends.

Usage: queue_worker.py URL LINES
"""

import asyncio
import os
import signal
import sys

from euryale.workflows import Engine, Queue, sleep, step, step_context, workflow
from euryale.workflows.stores.postgres import PostgresStore

URL, LINES = sys.argv[1], os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
LEASE = 1.5
CONCURRENCY = 4
KEYS = 7
QUEUE = Queue("orders", concurrency=CONCURRENCY, worker_concurrency=2, key=lambda order: f"customer-{order % KEYS}")


def tell(what: str) -> None:
    os.write(LINES, f"{os.getpid()} {step_context().root} {what}\n".encode())


@step
async def begin(order: int) -> int:
    tell("begins")
    return order


@step
async def end(order: int) -> int:
    tell("ends")
    return order


@workflow("order", queue=QUEUE)
def order_flow(order: int) -> int:
    begun = begin(order)
    sleep(0.05)
    return end(begun)


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with Engine(PostgresStore(URL), workflows=[order_flow], lease=LEASE, rest_after=0.02):
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
