"""Whose executions a command is about: the platform's, or those of an application of one's own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from euryale.cli.application import ApplicationExecutions, ApplicationWorkflows, application
from euryale.cli.loading import load_engine
from euryale.cli.session import Session
from euryale.cloud.client import PlatformClient

T = TypeVar("T")
Executions: TypeAlias = PlatformClient | ApplicationExecutions
"""What gives executions, and takes what is to become of them."""

Workflows: TypeAlias = PlatformClient | ApplicationWorkflows
"""What gives workflows."""


def ask_workflows(session: Session, app: str | None, job: Callable[[Workflows], Awaitable[T]]) -> T:
    """Do something with workflows, and return what came of it; an application's store is not needed for that.

    Args:
        session: The call of the command.
        app: Where the application's engine is; None: the platform is asked.
        job: What to do.

    Raises:
        UsageError: If there is no such application.
        PlatformError: As the job does.
    """
    if not app:
        return session.ask(job)

    async def run() -> T:
        return await job(ApplicationWorkflows(load_engine(app)))

    return asyncio.run(run())


def ask_executions(
    session: Session,
    app: str | None,
    job: Callable[[Executions], Awaitable[T]],
    *,
    acting: bool = False,
) -> T:
    """Do something with executions, and return what came of it.

    Args:
        session: The call of the command.
        app: Where the application's engine is; None: the platform is asked.
        job: What to do.
        acting: Whether it changes something.

    Raises:
        UsageError: If there is no such application.
        StoreLockedError: If something is to be changed in a store that another process owns.
        PlatformError: As the job does.
    """
    if not app:
        return session.ask(job)

    async def run() -> T:
        async with application(app, acting=acting) as executions:
            return await job(executions)

    return asyncio.run(run())
