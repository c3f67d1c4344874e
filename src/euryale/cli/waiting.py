"""Waiting for an operation, and showing what it does meanwhile."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar, Final, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from euryale.cli.errors import DETACHED, OperationFailedError, complain
from euryale.cli.output import plain, print_json, say
from euryale.cli.progress import Progress
from euryale.cli.progress_lines import line_of
from euryale.cli.progress_tree import BUILD_STEP, ProgressTree
from euryale.cli.wording import first_line
from euryale.cloud.client import PlatformClient, PlatformError
from euryale.cloud.wire.executions import ExecutionDetail, ExecutionEventInfo
from euryale.kit.lifecycle import Tasks
from euryale.kit.machine_time import utc_now

_REDRAWN: Final = 8
_LOG_WIDTH: Final = 200


class Display(Protocol):
    """What shows the progress of an operation.

    Attributes:
        wants_log: Whether it shows what a build says.
    """

    wants_log: ClassVar[bool]

    def show(self, change: ExecutionDetail | ExecutionEventInfo) -> None:
        """Show a change that the progress has taken in."""
        ...

    def show_log(self, line: str) -> None:
        """Show the last line of the build's log."""
        ...


class _Lines:
    """One line a change."""

    wants_log: ClassVar = False

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def show(self, change: ExecutionDetail | ExecutionEventInfo) -> None:
        line = line_of(self._progress, change) if isinstance(change, ExecutionEventInfo) else None
        if line is not None:
            say(line)

    def show_log(self, line: str) -> None:
        """Show nothing: the log is read with ``euryale logs --build``."""


class _Json:
    """One JSON document a change."""

    wants_log: ClassVar = False

    def show(self, change: ExecutionDetail | ExecutionEventInfo) -> None:
        kind = "event" if isinstance(change, ExecutionEventInfo) else "state"
        print_json({"type": kind, kind: plain(change)})

    def show_log(self, line: str) -> None:
        """Show nothing: a program reads the log from the API."""


class _Tree:
    """A tree that is redrawn."""

    wants_log: ClassVar = True

    def __init__(self, tree: ProgressTree) -> None:
        self._tree = tree

    def show(self, change: ExecutionDetail | ExecutionEventInfo) -> None:
        """Do nothing: it is redrawn by the clock."""

    def show_log(self, line: str) -> None:
        self._tree.log_line = line


async def wait_for(platform: PlatformClient, execution: str, *, title: str, as_json: bool) -> ExecutionDetail:
    """Wait until an operation has ended, showing its progress; return how it ended.

    Raises:
        PlatformError: If the platform cannot be asked any more.
    """
    progress = Progress(execution)
    async with _display(progress, title, as_json=as_json) as display, _build_log(platform, display) as look:
        async for change in platform.follow_execution(execution):
            if isinstance(change, ExecutionDetail):
                progress.take_state(change)
            else:
                progress.take_event(change)
            display.show(change)
            look(progress)
    return await platform.execution(execution)


def check_outcome(outcome: ExecutionDetail) -> None:
    """Accept an operation that succeeded.

    Raises:
        OperationFailedError: If it did not; it says why, and what is left.
    """
    if outcome.status == "succeeded":
        return
    error = outcome.error
    message = f"{outcome.workflow} did not succeed: {error.message if error else outcome.status}"
    hints = [error.hint] if error and error.hint else []
    if outcome.status == "failed":
        hints.append(f"Not everything could be undone. See what: euryale executions show {outcome.id}")
        hints.append(f"Then try again: euryale executions retry {outcome.id}")
    else:
        hints.append("Everything that had been done was undone.")
    raise OperationFailedError(message, hint="\n".join(hints))


def detach(execution: str) -> int:
    """Say that an operation goes on without us; return the exit code for that."""
    complain(f"\nThe operation goes on. Follow it: euryale executions show {execution} --follow\n")
    return DETACHED


@asynccontextmanager
async def _display(progress: Progress, title: str, *, as_json: bool) -> AsyncIterator[Display]:
    if as_json:
        yield _Json()
        return
    console = Console(highlight=False)
    if not console.is_terminal or not sys.stdout.isatty():
        yield _Lines(progress)
        return
    tree = ProgressTree(progress, title)
    draw = _drawing(tree, console)
    with Live(get_renderable=draw, console=console, refresh_per_second=_REDRAWN, vertical_overflow="crop"):
        yield _Tree(tree)


def _drawing(tree: ProgressTree, console: Console) -> Callable[[], RenderableType]:
    def draw() -> RenderableType:
        now: datetime = utc_now()
        return tree.render(now, console.width, console.height - 1)

    return draw


@asynccontextmanager
async def _build_log(platform: PlatformClient, display: Display) -> AsyncIterator[Callable[[Progress], None]]:
    """Show the last line of each build's log while the build runs."""
    tasks, followed = Tasks(), set[str]()

    def look(progress: Progress) -> None:
        for execution in progress.running(BUILD_STEP):
            if display.wants_log and execution.id not in followed:
                followed.add(execution.id)
                tasks.spawn(_follow_build(platform, execution.id, display), name=f"build log of {execution.id}")

    try:
        yield look
    finally:
        await tasks.stop()


async def _follow_build(platform: PlatformClient, execution: str, display: Display) -> None:
    with contextlib.suppress(PlatformError):  # the operation is what is waited for; its log is a courtesy
        deployment = (await platform.execution(execution)).deployment
        if not deployment:
            return
        async for text in platform.follow_log(deployment, "build", tail=1):
            lines = [each for each in text.splitlines() if each.strip()]
            if lines:
                display.show_log(first_line(lines[-1], _LOG_WIDTH))
            await asyncio.sleep(0)
