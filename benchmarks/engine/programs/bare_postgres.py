"""The bare database: rows like those of a journal, each written by a statement of its own, through our driver.

Usage: python -m engine.programs.bare_postgres URL
"""

import asyncio
import sys
import time

import asyncpg

from engine.programs.telling import Answer, Stopwatch, be_told

ROW = ("step-succeeded", 1.0, "add-one", 1, 1.0, None, b"1", None, 0)
TABLE = """
CREATE TABLE entries (
    execution_id text COLLATE "C" NOT NULL, seq bigint NOT NULL, kind text NOT NULL, at double precision NOT NULL,
    step text NOT NULL, attempt bigint NOT NULL, started double precision, due double precision, payload bytea,
    undo bytea, message bigint NOT NULL, PRIMARY KEY (execution_id, seq)
)
"""
INSERT = "INSERT INTO entries VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


async def main(url: str) -> None:
    """Connect, and do what is said."""
    connection = await asyncpg.connect(url)
    await connection.execute(TABLE)

    async def commits(count: int) -> Answer:
        """Write so many rows, each with a statement of its own, which the server commits."""
        execution_id = f"exec_{time.monotonic_ns():022}"
        took = []
        for number in range(count):
            with Stopwatch() as watch:
                await connection.execute(INSERT, execution_id, number, *ROW)
            took.append(watch.seconds)
        return {"count": count, "seconds": sum(took), "seconds_each": took}

    await be_told(commits=commits)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
