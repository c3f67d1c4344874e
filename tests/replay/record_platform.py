"""Records histories of the platform's own workflows: a project that is created, a deployment, and two that are undone.

Usage: record_platform.py
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.deploy import deploy
from euryale.workflows import Store, Workflow
from euryale.workflows.testing import record_history

HISTORIES = Path(__file__).with_name("platform")


async def save(running: RunningPlatform, execution: str, workflow: Workflow[Any, Any], name: str) -> None:
    """Write a history down, without the folder where the platform was."""
    history = await record_history(running.container.resolve(Store), execution, workflow)
    path = HISTORIES / f"{workflow.name}.{name}.json"
    history.save(path)
    path.write_text(path.read_text("utf-8").replace(str(running.platform.folder), "/platform"), "utf-8")
    sys.stdout.write(f"{path.name} was recorded.\n")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = MemoryPlatform(Path(folder))
        async with platform.running() as running:
            await save(running, await running.create("shop"), create_project, "succeeded")
            platform.push("shop", "main")
            deployed = await running.operations.deploy("shop")
            await running.ended(deployed)
            await save(running, deployed, deploy, "succeeded")
            platform.faults.fail("runtime.ready", PermanentError("GET /: connection refused"), times=-1)
            platform.push("shop", "main")
            unhealthy = await running.operations.deploy("shop")
            await running.ended(unhealthy)
            await save(running, unhealthy, deploy, "unhealthy")
            undone = await running.operations.create_project(platform.project("other"))
            await running.ended(undone)
            await save(running, undone, create_project, "undone")


if __name__ == "__main__":
    asyncio.run(main())
