"""A worker process: runs many executions on one SQLite file, and appends each effect to a file as a line.

Usage: shop_worker.py DATABASE EFFECTS COUNT
"""

import asyncio
import json
import sys

from euryale.workflows import Engine, ExecutionError
from euryale.workflows.stores.sqlite import SQLiteStore
from shop import Effects, status_of, undoable_shop

DATABASE, EFFECTS, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
SHOP = undoable_shop(Effects(EFFECTS).note)


async def run(engine: Engine, order: int) -> None:
    try:
        await engine.run(SHOP, order, id=f"e{order}")
    except ExecutionError:
        assert status_of(order) == "reverted"


async def main() -> None:
    async with Engine(SQLiteStore(DATABASE), workflows=[SHOP]) as engine:
        await asyncio.gather(*(run(engine, order) for order in range(COUNT)))
        views = [await engine.get(f"e{order}") for order in range(COUNT)]
    sys.stdout.write(json.dumps({view.id: view.status for view in views}))


if __name__ == "__main__":
    asyncio.run(main())
