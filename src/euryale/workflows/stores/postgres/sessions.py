"""Sessions with the server: made when they are needed, and made anew when they were lost."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import TypeVar

import asyncpg

from euryale.workflows.errors import StoreError
from euryale.workflows.stores.postgres.server import Connection, Server, is_lost
from euryale.workflows.stores.postgres.statements import SQL

T = TypeVar("T")

_GOODBYE_WITHIN = 2.0


class Sessions:
    """Sessions for one purpose.

    A session that was lost may still be at work in the server: what it was asked to do must not be done after what is
    asked later. So before another takes its place the server is told to end it.

    Args:
        server: The server.
        purpose: What they are for.
        size: How many there are at the most.
        settings: What they set besides the usual.
    """

    def __init__(
        self, server: Server, purpose: str, *, size: int = 1, settings: Mapping[str, str] | None = None
    ) -> None:
        self._server = server
        self._purpose = purpose
        self._size = size
        self._settings = settings
        self._numbers = count(1)
        self._idle: list[tuple[str, Connection]] = []
        self._lost: set[str] = set()
        self._places: asyncio.Semaphore | None = None

    def open(self) -> None:
        """Let them be used from now on; none is made yet."""
        self._places = asyncio.Semaphore(self._size)

    async def close(self) -> None:
        """End them; what is under way is broken off when it is back."""
        self._places = None
        while self._idle:
            _, connection = self._idle.pop()
            await say_goodbye(connection)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something in a session; what fails, or is cancelled, is done wholly or not at all if it is one statement.

        Raises:
            UnwritableError: If the same can never be done.
            StoreError: If the session was lost, or the store is not open; the next call begins another one.
        """
        places = self._places
        if places is None:
            raise StoreError("The store is not open.")
        async with places:
            name, connection = await self._take()
            try:
                result = await work(connection)
            except BaseException as error:
                self._give_back(name, connection, places, lost=is_lost(error) or connection.is_closed())
                if isinstance(error, Exception):
                    raise self._server.translate(error) from error
                raise
            self._give_back(name, connection, places, lost=False)
            return result

    async def _take(self) -> tuple[str, Connection]:
        while self._idle:
            name, connection = self._idle.pop()
            if not connection.is_closed():
                return name, connection
        name = f"{self._purpose}/{next(self._numbers)}"
        connection = await self._server.connect(name, self._settings)
        try:
            await self._end_the_lost(connection)
        except BaseException as error:
            connection.terminate()
            if isinstance(error, Exception):
                raise self._server.translate(error) from error
            raise
        return name, connection

    async def _end_the_lost(self, connection: Connection) -> None:
        if lost := tuple(self._lost):
            ended = await connection.fetch(SQL.end_session, lost)
            if not all(gone for (gone,) in ended):
                raise StoreError(f"{self._server.name} still has a session that was lost; it does not end.")
            self._lost.difference_update(lost)

    def _give_back(self, name: str, connection: Connection, places: asyncio.Semaphore, *, lost: bool) -> None:
        if lost:
            self._lost.add(self._server.label(name))
            connection.terminate()
        elif self._places is places:
            self._idle.append((name, connection))
        else:  # closed meanwhile
            connection.terminate()


async def say_goodbye(connection: Connection) -> None:
    """End a session, politely if the server listens."""
    try:
        await connection.close(timeout=_GOODBYE_WITHIN)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        with contextlib.suppress(OSError):
            connection.terminate()
