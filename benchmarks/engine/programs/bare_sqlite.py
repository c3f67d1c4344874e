"""The bare database: rows like those of a journal, each written by a transaction of its own, through our driver.

Usage: python -m engine.programs.bare_sqlite FILE
"""

import asyncio
import sys
import time

import apsw

from engine.programs.telling import Answer, Stopwatch, be_told

ROW = ("step-succeeded", 1.0, "add-one", 1, 1.0, None, b"1", None, 0)
TABLE = """
CREATE TABLE entries (
    execution_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, step TEXT NOT NULL,
    attempt INTEGER NOT NULL, started REAL, due REAL, payload BLOB, undo BLOB, message INTEGER NOT NULL,
    PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID
"""
INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


async def main(file: str) -> None:
    """Open the file as our store does, and do what is said."""
    connection = apsw.Connection(file)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "FULL")
    connection.execute(TABLE)

    async def commits(count: int) -> Answer:
        """Write so many rows, each with a transaction of its own."""
        execution_id = f"exec_{time.monotonic_ns():022}"
        with Stopwatch() as watch:
            for number in range(count):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(INSERT, (execution_id, number, *ROW))
                connection.execute("COMMIT")
        return {"count": count, "seconds": watch.seconds}

    await be_told(commits=commits)
    connection.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
