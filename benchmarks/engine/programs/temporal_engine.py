"""Temporal's development server, keeping its data in a file, with a worker and a client in this process.

Usage: python -m engine.programs.temporal_engine FILE

The server's file is synchronized at each commit (``synchronous=FULL``), by way of a write-ahead log, with which it is
faster than with the rollback journal that it has by default. The worker runs workflows without a sandbox, which the
SDK's README offers to who wants speed; its pollers scale by themselves, which docs.temporal.io ("Worker performance
options") recommends; it has room for all workflows at once. Steps are activities and not local activities, which are
not durable one by one.
"""

import asyncio
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from engine.programs.telling import Answer, Stopwatch, be_told

STEPS = 10
QUEUE = "bench"
ROOM = 200
LIMIT = timedelta(seconds=120)
STARTS_WITHIN = 30.0


@activity.defn
async def add_one(value: int) -> int:
    """Do nothing: what is measured is the engine."""
    return value + 1


@workflow.defn
class TenSteps:
    """Ten activities, one after the other."""

    @workflow.run
    async def run(self, value: int) -> int:
        """Run them."""
        for _ in range(STEPS):
            value = await workflow.execute_activity(add_one, value, start_to_close_timeout=LIMIT)
        return value


def start_server(file: str, port: int) -> subprocess.Popen[bytes]:
    """Start the development server."""
    program = Path(sys.executable).with_name("temporal")
    place = ("--ip", "127.0.0.1", "--port", str(port), "--db-filename", file, "--headless", "--log-level", "never")
    durable = ("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL")
    return subprocess.Popen([program, "server", "start-dev", *place, *durable], stdin=subprocess.DEVNULL, stdout=2)


async def connect(port: int) -> Client:
    """Return a client, once the server answers."""
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


class Runs:
    """Runs workflows, each under an id of its own.

    Args:
        client: Of the server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._round = 0

    async def many(self, executions: int, repeats: int) -> Answer:
        """Run workflows of ten steps, all at once, so many times."""
        with Stopwatch() as watch:
            for _ in range(repeats):
                self._round += 1
                outputs = await asyncio.gather(*map(self._run, range(executions)))
                assert outputs == [number + STEPS for number in range(executions)]
        return {"count": executions * STEPS * repeats, "seconds": watch.seconds}

    async def _run(self, number: int) -> int:
        workflow_id = f"ten-steps-{self._round}-{number}"
        output: int = await self._client.execute_workflow(TenSteps.run, number, id=workflow_id, task_queue=QUEUE)
        return output


async def main(file: str) -> None:
    """Start the server and a worker, and do what is said."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = start_server(file, port)
    try:
        client = await connect(port)
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[TenSteps],
            activities=[add_one],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=ROOM,
            max_concurrent_activities=ROOM,
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        )
        async with worker:
            await be_told(many=Runs(client).many)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
