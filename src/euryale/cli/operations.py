"""Operations of the platform, as commands carry them out: start, wait with live progress, tell what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import typer

from euryale.cli.output import plain, print_json, say
from euryale.cli.session import Session
from euryale.cli.waiting import check_outcome, detach, wait_for
from euryale.cli.wording import duration
from euryale.cloud.client import PlatformClient
from euryale.cloud.wire.executions import ExecutionDetail


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an operation that succeeded.

    Attributes:
        line: One line for a person.
        document: The same for a program.
    """

    line: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that the platform is to do.

    Attributes:
        title: What it is, for a person.
        start: Starts it; returns its execution.
        tell: Tells what came of it, once it has succeeded.
    """

    title: str
    start: Callable[[PlatformClient], Awaitable[str]]
    tell: Callable[[PlatformClient], Awaitable[Told]]


def carry_out(session: Session, operation: Operation, *, wait: bool) -> None:
    """Start an operation; wait for it if that is wanted, and tell what came of it.

    Raises:
        OperationFailedError: If it did not succeed.
        PlatformError: If the platform refuses it or cannot be asked.
        typer.Exit: If the person stops waiting; the operation goes on.
    """
    started: list[str] = []

    async def job(platform: PlatformClient) -> None:
        started.append(await operation.start(platform))
        if wait:
            await _finish(session, platform, operation, started[0])
        elif session.as_json:
            print_json({"execution": started[0]})
        else:
            say(f"{operation.title}: started. Follow it: euryale executions show {started[0]} --follow")

    try:
        session.ask(job)
    except KeyboardInterrupt:
        if not started:
            raise
        raise typer.Exit(detach(started[0])) from None


async def _finish(session: Session, platform: PlatformClient, operation: Operation, execution: str) -> None:
    outcome = await wait_for(platform, execution, title=operation.title, as_json=session.as_json)
    told = await operation.tell(platform) if outcome.status == "succeeded" else None
    if session.as_json:
        session.answered = True
        print_json({"type": "result", "execution": plain(outcome), **(plain(told.document) if told else {})})
    check_outcome(outcome)
    if told is not None and not session.as_json:
        say(f"✔ {told.line} ({took(outcome)})", style="bold")


def took(outcome: ExecutionDetail) -> str:
    """Return how long an execution took."""
    ended = outcome.finished_at or outcome.created_at
    return duration((ended - outcome.created_at).total_seconds())
