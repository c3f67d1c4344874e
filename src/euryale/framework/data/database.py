"""The database of an application, and the unit of work."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from euryale.framework.data.errors import (
    CommitRefusedError,
    DatabaseUnavailableError,
    DataError,
    DuplicateRecordError,
)
from euryale.framework.data.keys import KeyRing
from euryale.framework.data.sqlite import MODE_OPTION, Mode, is_busy, prepare_sqlite
from euryale.framework.data.types import register_keys
from euryale.framework.data.whole import made_whole, whole
from euryale.kit.secret import Secret

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}
_UNIQUE_VIOLATION: Final = "23505"
_LOST_CONNECTION: Final = ("08", "57P")


class Session(AsyncSession):
    """A session whose end belongs to the unit of work: it refuses to commit or roll back by itself."""

    async def commit(self) -> None:
        """Refuse.

        Raises:
            CommitRefusedError: Always.
        """
        raise CommitRefusedError

    async def rollback(self) -> None:
        """Refuse.

        Raises:
            CommitRefusedError: Always.
        """
        raise CommitRefusedError


class Database:
    """One SQL database: SQLite by a file, or Postgres.

    Args:
        url: ``sqlite:///path/to/file`` or ``postgresql://user:password@host/name``.
        keys: What encrypts the columns of type ``EncryptedText``.
        patience: Seconds a writer waits for another one on SQLite, a caller for a connection, and :meth:`close` for
            what is under way.
        connections: How many connections are kept open.

    Raises:
        DataError: If the URL cannot be used.

    Example:
        >>> async with database.transaction() as session:
        ...     session.add(Note(text="buy milk"))
    """

    def __init__(
        self, url: str | Secret, *, keys: KeyRing | None = None, patience: float = 10.0, connections: int = 5
    ) -> None:
        self.url = _checked_url(url)
        if self.is_sqlite:
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        self._patience = patience
        self._under_way: set[asyncio.Future[None]] = set()
        self.engine = create_async_engine(
            self.url,
            pool_size=connections,
            pool_timeout=patience,
            pool_pre_ping=not self.is_sqlite,
            connect_args={} if self.is_sqlite else {"timeout": patience},
            hide_parameters=True,  # errors are logged, and values may be personal
        )
        if self.is_sqlite:
            prepare_sqlite(self.engine.sync_engine, patience=patience)
        if keys is not None:
            register_keys(self.engine.sync_engine.dialect, keys)
        self._units: dict[asyncio.Task[Any] | None, Session] = {}

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    async def ping(self) -> None:
        """Ask the database whether it is there.

        Raises:
            DatabaseUnavailableError: If it does not answer.
        """
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections, after what is under way has ended (within its patience). May be called twice."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._patience)
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Open a unit of work: committed at the end of the block, rolled back if the block raises.

        On SQLite it holds the write lock from its start. Within the same task, an inner unit of work joins the
        outer one as a savepoint: if the inner block raises, only its own changes are undone.

        Raises:
            DuplicateRecordError: If a unique value is taken.
            DatabaseUnavailableError: If the database does not answer, or is busy for too long.
        """
        task = asyncio.current_task()
        outer = self._units.get(task)
        with _translating():
            if outer is not None:
                async with _savepoint(outer):
                    yield outer
                return
            async with self._opened(Session(self._bind(Mode.WRITE), expire_on_commit=False)) as session:
                self._units[task] = session
                try:
                    yield session
                finally:
                    del self._units[task]
                await whole(AsyncSession.commit(session))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Open a session that sees one committed state of the data and cannot write.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        with _translating():
            session = Session(self._bind(Mode.READ), expire_on_commit=False, autoflush=False)
            async with self._opened(session):
                yield session

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for changing the schema; on SQLite nobody else reads or writes meanwhile.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        connection = self._bind(Mode.MIGRATE).connect()
        with _translating(), self._noted():
            try:
                with _connecting(str(self.url.database)):
                    await whole(connection.start())
                    await whole(_begin(connection))
                yield connection
                await whole(connection.commit())
            finally:
                if connection.sync_connection is not None:
                    await whole(connection.close())

    @asynccontextmanager
    async def _opened(self, session: Session) -> AsyncIterator[Session]:
        # closing it rolls back what was not committed
        with self._noted():
            try:
                await whole(_connect(session))
                yield session
            finally:
                await whole(session.close())

    @contextmanager
    def _noted(self) -> Iterator[None]:
        ended = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)

    def _bind(self, mode: Mode) -> Any:
        options: dict[str, Any] = {MODE_OPTION: mode}
        if mode is Mode.READ and not self.is_sqlite:
            options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        return self.engine.execution_options(**options)


_MADE_WHOLE: Final = (
    "connection",
    "delete",
    "execute",
    "flush",
    "get",
    "get_one",
    "merge",
    "refresh",
    "run_sync",
    "scalar",
    "scalars",
    "stream",
    "stream_scalars",
)
for _name in _MADE_WHOLE:
    setattr(Session, _name, made_whole(getattr(Session, _name)))


@asynccontextmanager
async def _savepoint(session: Session) -> AsyncIterator[None]:
    savepoint = session.begin_nested()
    try:
        _ = await whole(savepoint.start())
        yield
        await whole(savepoint.commit())
    except BaseException as error:
        # also ends one that a failed flush has rolled back already, so that the outer unit of work can go on
        if savepoint.sync_transaction is not None:
            await whole(savepoint.__aexit__(type(error), error, error.__traceback__))
        raise


async def _connect(session: Session) -> None:
    with _connecting():
        _ = await session.connection()


async def _begin(connection: AsyncConnection) -> None:
    _ = await connection.begin()


@contextmanager
def _connecting(name: str = "the database") -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        _translate(error)
        if isinstance(error.orig, sqlite3.DatabaseError) and not isinstance(error, OperationalError):
            raise DataError(f"{name} cannot be read: {error.orig}", hint="Restore it from a backup.") from error
        raise DatabaseUnavailableError("the database refuses the connection") from error
    except (OSError, PoolTimeoutError) as error:
        raise DatabaseUnavailableError from error


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        _translate(error)
        raise


def _translate(error: DBAPIError) -> None:
    state = str(getattr(error.orig, "sqlstate", "") or "")
    if isinstance(error, IntegrityError) and (state == _UNIQUE_VIOLATION or "UNIQUE constraint" in str(error.orig)):
        raise DuplicateRecordError from error
    if isinstance(error, OperationalError) and is_busy(error):
        raise DatabaseUnavailableError("another writer held the database for too long") from error
    lost = isinstance(error, InterfaceError | OperationalError) and error.connection_invalidated
    if lost or state.startswith(_LOST_CONNECTION):
        raise DatabaseUnavailableError from error


def _checked_url(given: str | Secret) -> URL:
    try:
        url = make_url(given.reveal() if isinstance(given, Secret) else given)
    except ArgumentError:
        # the cause is left out: it quotes the URL, password and all
        _refuse_url("the database's URL cannot be read")
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    if url.drivername not in _DRIVERS.values():
        _refuse_url(f"the database's URL begins with {url.drivername!r}")
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:") == ":memory:":
        _refuse_url("a SQLite database in memory has room for one connection only")
    return url


def _refuse_url(message: str) -> NoReturn:
    raise DataError(message, hint="Give sqlite:///path/to/file or postgresql://user:password@host/name.") from None
