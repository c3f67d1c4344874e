"""Absurd on PostgreSQL: a client, and four worker processes beside it.

Usage: python -m engine.programs.absurd_engine URL

``absurdctl`` makes its schema, and needs ``psql`` on the path. More worker processes are how Absurd scales (its README:
workers pull tasks from Postgres): within one process its SDK holds one connection, on which all tasks wait for each
other. Of one to eight processes, with one to ten tasks at a time each, four processes with one each were the fastest on
the machine with two processors where this was tried. They poll twelve times as often as by default, so that what is
measured is not the poll.
"""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from absurd_sdk import Absurd

from engine.programs.telling import Answer, Stopwatch, be_told

STEPS = 10
WORKERS = 4
QUEUE = "default"


def make_schema(url: str) -> None:
    """Make its schema and its queue."""
    absurdctl = Path(sys.executable).with_name("absurdctl")
    for command in (("init",), ("create-queue", QUEUE)):
        subprocess.run([absurdctl, *command, "--database", url], check=True, stdout=sys.stderr)


def start_worker(url: str, stack: ExitStack) -> None:
    """Start a worker that is ended with the stack."""
    worker = subprocess.Popen([sys.executable, "-m", "engine.programs.absurd_worker", url], stdin=subprocess.DEVNULL)
    stack.callback(worker.wait)
    stack.callback(worker.kill)


async def main(url: str) -> None:
    """Make the schema, start the workers, and do what is said."""
    make_schema(url)
    app = Absurd(url)

    async def many(executions: int, repeats: int) -> Answer:
        """Run tasks of ten steps, all at once, so many times."""
        with Stopwatch() as watch:
            for _ in range(repeats):
                tasks = [app.spawn("ten-steps", {"value": number}, queue=QUEUE) for number in range(executions)]
                results = [app.await_task_result(task["task_id"], timeout=120) for task in tasks]
                assert [each.result for each in results] == [number + STEPS for number in range(executions)]
        return {"count": executions * STEPS * repeats, "seconds": watch.seconds}

    with ExitStack() as stack:
        for _ in range(WORKERS):
            start_worker(url, stack)
        await be_told(many=many)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
