"""A worker of our engine on PostgreSQL: it runs what others start.

Usage: python -m engine.programs.own_worker URL
"""

import asyncio
import sys

from engine.programs.own_workflows import one_step
from engine.programs.telling import be_told
from euryale.workflows import Engine
from euryale.workflows.stores.postgres import PostgresStore


async def main(url: str) -> None:
    """Work until told to end."""
    async with Engine(PostgresStore(url), workflows=[one_step]):
        await be_told()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
