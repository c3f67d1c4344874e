"""Whoever is cancelled in the middle of a unit of work leaves neither a lock nor a lost connection."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import text

from euryale.framework.data import Database


@pytest.mark.parametrize("seed", range(3))
async def test_a_cancelled_unit_of_work_holds_nobody_up(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    database = Database(f"sqlite:///{tmp_path}/busy.sqlite3", patience=5.0)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE numbers (number INTEGER)"))

    async def write() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO numbers VALUES (1)"))
            async with database.transaction() as inner:
                await inner.execute(text("INSERT INTO numbers VALUES (2)"))

    async def read() -> None:
        async with database.reading() as session:
            await session.execute(text("SELECT number FROM numbers LIMIT 10"))

    try:
        for _ in range(150):
            tasks = [asyncio.create_task(dice.choice([write, write, read])()) for _ in range(dice.randrange(1, 6))]
            done, _ = await asyncio.wait(tasks, timeout=dice.random() * 0.01)
            for task in tasks:
                if dice.random() < 0.6:
                    task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [each for each in outcomes if isinstance(each, Exception)] == [], len(done)
        async with database.reading() as session:
            ones = await session.scalar(text("SELECT count(*) FROM numbers WHERE number = 1"))
            twos = await session.scalar(text("SELECT count(*) FROM numbers WHERE number = 2"))
        assert ones == twos > 0, "a unit of work is whole or not at all"
    finally:
        await database.close()
