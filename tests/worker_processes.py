"""Worker processes that tests start and disturb, and what they did."""

import asyncio
import contextlib
import sys
from pathlib import Path

from eventually import eventually
from shop import ENVIRONMENT, read_effects


class WorkerProcesses:
    """Processes of one program, which says that it is open, and appends what it does to a file.

    Args:
        program: What each of them runs.
        effects: The file.
    """

    def __init__(self, program: Path, effects: Path) -> None:
        self.program = program
        self.effects = effects
        self.effects.touch()
        self.all: list[asyncio.subprocess.Process] = []

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start one more, and wait until it is open."""
        worker = await asyncio.create_subprocess_exec(
            sys.executable, str(self.program), *arguments, stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT
        )
        self.all.append(worker)
        assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"open\n"
        return worker

    async def stop(self) -> None:
        for worker in self.all:
            if worker.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    worker.kill()
            await worker.communicate()

    def lines(self) -> list[list[str]]:
        return read_effects(self.effects)

    async def after_more(self, lines: int) -> None:
        """Wait until there are that many more lines."""
        wanted = len(self.lines()) + lines
        await eventually(lambda: len(self.lines()) >= wanted, within=60, every=0.002)
