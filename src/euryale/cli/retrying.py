"""Trying an execution of one's own application again, in this process, and showing what it does."""

import asyncio

from euryale.cli.application import ApplicationExecutions, application
from euryale.cli.errors import OperationFailedError
from euryale.cli.output import say
from euryale.cli.progress import Progress
from euryale.cli.progress_lines import line_of
from euryale.cloud.wire.executions import ExecutionDetail

_LOOK_EVERY = 0.05


def retry_in_application(app: str, execution: str, *, begun: str, quiet: bool = False) -> ExecutionDetail:
    """Try an execution again; return how it stands when what is to be undone has been tried, or when it goes on.

    Nothing else that is due in the application's store is driven.

    Args:
        app: Where the application's engine is.
        execution: Which.
        begun: Printed when the undoing has begun.
        quiet: Whether nothing is printed.

    Raises:
        UsageError: If there is no such application.
        StoreLockedError: If another process owns the store.
        WorkflowError: If there is no such execution, or it is not to be retried.
    """

    async def run() -> ExecutionDetail:
        async with application(app, acting=True) as source:
            await retry_and_show(source, execution, begun=begun, quiet=quiet)
            return await source.execution(execution)

    return asyncio.run(run())


async def retry_and_show(source: ApplicationExecutions, execution: str, *, begun: str, quiet: bool = False) -> None:
    """Try an execution again, printing a line for each thing that happens to it from now on.

    Args:
        source: The application's executions; its engine is open.
        execution: Which.
        begun: Printed when the undoing has begun.
        quiet: Whether nothing is printed.

    Raises:
        WorkflowError: If there is no such execution, or it is not to be retried.
    """
    progress, before = Progress(execution), await source.execution(execution)
    progress.take_state(before)
    retrying = asyncio.create_task(source.retry_execution(execution), name=f"retrying {execution}")
    try:
        if not quiet and await _undoes(source, before, retrying):
            say(begun)
            await _show(source, execution, progress)
        await retrying
    finally:
        retrying.cancel()


async def _undoes(source: ApplicationExecutions, before: ExecutionDetail, retrying: asyncio.Task[str]) -> bool:
    """Wait until the execution is being undone, or the retry is over; return whether anything is, or was, undone."""
    while not retrying.done():
        if (await source.execution(before.id)).status == "compensating":
            return True
        await asyncio.wait([retrying], timeout=_LOOK_EVERY)
    return before.status == "failed" and retrying.exception() is None


async def _show(source: ApplicationExecutions, execution: str, progress: Progress) -> None:
    async for change in source.follow_execution(execution):
        if isinstance(change, ExecutionDetail):
            if change.id not in progress.executions:
                progress.take_state(change)
        elif progress.take_event(change) and (line := line_of(progress, change)) is not None:
            say(line)


def check_retried(outcome: ExecutionDetail) -> None:
    """Accept an execution that was undone, or goes on.

    Raises:
        OperationFailedError: If it could not be undone this time, either.
    """
    if outcome.status == "failed":
        raise OperationFailedError(
            f"{outcome.id} could not be undone this time, either.",
            hint=f"See why: euryale executions show {outcome.id}\nMend that, then try again.",
        )
