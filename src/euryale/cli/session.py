"""What all commands of one call share: the platform that is asked, and how they answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from euryale.cli.address import Places, find_address
from euryale.cloud.client import PlatformClient

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One call of the command.

    Attributes:
        url: The platform's address, if it was given.
        token: The token, if it was given.
        debug: Whether an error shows its traceback.
        as_json: Whether the answer is JSON; set by the command that runs.
        answered: Whether the JSON answer was given, also if it tells of a failure.
    """

    url: str | None = None
    token: str | None = None
    debug: bool = False
    as_json: bool = False
    answered: bool = False

    def ask(self, job: Callable[[PlatformClient], Awaitable[T]]) -> T:
        """Do something with the platform, and return what came of it.

        Raises:
            NoPlatformError: If nothing says where it is.
            NoTokenError: If nothing says with which token.
            PlatformError: As the job does.
        """
        address = find_address(places(), url=self.url, token=self.token)

        async def run() -> T:
            async with PlatformClient(address.url, address.token) as platform:
                return await job(platform)

        return asyncio.run(run())


def session_of(context: typer.Context, *, as_json: bool = False) -> Session:
    """Return the session of a command, which answers in JSON if that is asked for."""
    session: Session = context.ensure_object(Session)
    session.as_json = as_json
    return session


def places() -> Places:
    """Return where addresses are kept for whoever calls, from where they call."""
    return Places(Path(typer.get_app_dir("euryale")) / "login.json", Path.cwd(), Path.home())
