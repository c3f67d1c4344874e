"""What workers announce to each other, by the database's own notices."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Listener
from euryale.workflows.stores.postgres.server import Connection, Server
from euryale.workflows.stores.postgres.sessions import say_goodbye
from euryale.workflows.stores.postgres.statements import SQL

_log = logging.getLogger("euryale.workflows")
_LARGEST = 7900
"""Bytes in one notice; PostgreSQL takes less than 8000."""
_FIRST_BACKOFF = 0.1
_LONGEST_BACKOFF = 5.0
_LOOK_EVERY = 30.0
_BETWEEN = "\n"


def pack(notices: Iterable[str]) -> list[str]:
    """Return few texts that hold the notices; one that is too long is left out: everybody looks, too."""
    packed: list[str] = []
    size = _LARGEST
    for notice in notices:
        length = len(notice.encode("utf-8", "replace")) + len(_BETWEEN)
        if length > _LARGEST:
            continue
        if size + length > _LARGEST:
            packed.append(notice)
            size = length
        else:
            packed[-1] += _BETWEEN + notice
            size += length
    return packed


@dataclass(frozen=True, slots=True)
class _Session:
    connection: Connection
    lost: asyncio.Event

    async def until_lost(self) -> None:
        """Return when it is lost; that its server has vanished without a word is found by asking."""
        while not self.lost.is_set():
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await self.lost.wait()
            except TimeoutError:
                await self._ask()

    async def _ask(self) -> None:
        try:
            await self.connection.execute(SQL.look)
        except Exception as error:  # noqa: BLE001 -- whatever it is, another session is begun
            _log.warning("the session that hears other workers is lost: %s", error)
            self.connection.terminate()
            self.lost.set()


class Ear:
    """One session that hears what others announce, and begins anew when it is lost.

    Args:
        server: The server.
        deaf_to: Says of a session's process id whether what it announces is our own.
    """

    def __init__(self, server: Server, deaf_to: Callable[[int], bool]) -> None:
        self._server = server
        self._deaf_to = deaf_to
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._session: _Session | None = None

    def add(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def open(self) -> None:
        """Begin to hear.

        Raises:
            StoreError: If the server is away.
        """
        self._session = await self._begin()
        self._task = asyncio.get_running_loop().create_task(self._run(self._session), name="euryale-ear")

    async def close(self) -> None:
        """Hear no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await say_goodbye(session.connection)

    async def _begin(self) -> _Session:
        session = _Session(await self._server.connect("ear"), asyncio.Event())
        session.connection.add_termination_listener(lambda _: session.lost.set())
        try:
            await session.connection.add_listener(self._server.schema, self._hear)
        except BaseException as error:
            session.connection.terminate()
            if isinstance(error, Exception):
                raise self._server.translate(error) from error
            raise
        return session

    async def _run(self, session: _Session) -> None:
        while True:
            await session.until_lost()
            session = self._session = await self._begin_patiently()
            self._tell(["ready"])  # whatever was announced meanwhile

    async def _begin_patiently(self) -> _Session:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                return await self._begin()
            except StoreError as error:
                _log.warning("cannot hear other workers, trying again in %.1f s: %s", backoff, error)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    def _hear(self, _: object, process: int, channel: str, notice: object) -> None:  # noqa: ARG002 -- asyncpg's signature
        if not self._deaf_to(process):
            self._tell(str(notice).split(_BETWEEN))

    def _tell(self, notices: Collection[str]) -> None:
        for listener in tuple(self._listeners):
            listener(notices)
