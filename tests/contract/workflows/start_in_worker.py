"""A process that books an order and starts its execution in one transaction, and is killed before its commit.

Usage: start_in_worker.py URL SCHEMA
"""

import asyncio
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from euryale.workflows import Engine, workflow
from euryale.workflows.stores.postgres import PostgresStore

URL, SCHEMA = sys.argv[1:]


@workflow("ship")
def ship(order: str) -> str:
    return order


async def main() -> None:
    database = create_async_engine(URL.replace("postgresql:", "postgresql+asyncpg:"))
    async with Engine(PostgresStore(URL, schema=SCHEMA), concurrency=0) as engine, database.connect() as connection:
        await connection.execute(text("INSERT INTO orders VALUES ('killed', 'booked')"))
        await engine.start_in(connection, ship, "killed", id="killed")
        sys.stdout.write("started\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
