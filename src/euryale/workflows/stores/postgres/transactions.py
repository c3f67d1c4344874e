"""Transactions of others: an execution is created in one that the caller has begun, through the caller's own session.

SQLAlchemy is spoken to by the few methods named here, and not needed otherwise. Statements go through its connection
rather than the driver's, because it begins its transaction only with the first statement.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, cast, runtime_checkable

from msgspec.structs import asdict

from euryale.workflows.errors import TransactionError
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.requests import Standing
from euryale.workflows.stores.postgres.server import Server
from euryale.workflows.stores.postgres.statements import SQL

_HINT: Final = "Pass an AsyncSession, AsyncConnection, Session or Connection of SQLAlchemy, or a connection of asyncpg."


@runtime_checkable
class _Session(Protocol):
    """SQLAlchemy's ``AsyncSession`` or ``Session``."""

    def connection(self) -> Any: ...


@runtime_checkable
class _Connection(Protocol):
    """SQLAlchemy's ``AsyncConnection`` or ``Connection``."""

    @property
    def dialect(self) -> Any: ...

    def exec_driver_sql(self, statement: str, parameters: tuple[Any, ...]) -> Any: ...


@runtime_checkable
class _Driver(Protocol):
    """asyncpg's ``Connection``."""

    def is_in_transaction(self) -> bool: ...

    async def fetchrow(self, query: str, *args: Any) -> Sequence[Any]: ...


_Ask = Callable[..., Awaitable[Sequence[Any]]]
"""Sends a statement whose parameters are ``$1``, ``$2``; returns its one row."""


async def create_in(
    session: object, server: Server, place: str, row: ExecutionRow, limit: int | None
) -> Standing | None:
    """Create an execution; see :class:`~euryale.workflows.ports.TransactionStore`.

    Args:
        session: The caller's.
        server: Where the store is.
        place: Which database that is.
        row: The execution.
        limit: As many as this may have its key in its queue.
    """
    ask = await _way_to_ask(session)
    found, transaction = await ask(SQL.place_and_transaction)
    if found != place:
        raise TransactionError(
            f"The session is in another database than the store, which is {server.name}.",
            hint="Start the execution after the commit, or give the store the database of the session.",
        )
    create = SQL.create_in.replace("schema", server.schema, 1)
    outcome, execution_id, workflow, value = await ask(
        create, _as_json(row), transaction, "" if limit is None else str(limit)
    )
    if outcome == "apart":
        raise TransactionError(
            "The session is in no transaction, so nothing was started.",
            hint="Begin one; a connection in AUTOCOMMIT has none.",
        )
    if outcome == "isolated":
        raise TransactionError(
            f"The transaction sees only what was committed before it began, so it cannot be told who else is in queue "
            f"{row.queue!r}.",
            hint="Use the isolation level READ COMMITTED, or start the execution after the commit.",
        )
    return None if outcome == "created" else Standing(outcome, execution_id, workflow, bytes.fromhex(value))


def _as_json(row: ExecutionRow) -> str:
    return json.dumps(
        {name: rf"\x{value.hex()}" if isinstance(value, bytes) else value for name, value in asdict(row).items()}
    )


async def _way_to_ask(session: object) -> _Ask:
    if isinstance(session, _Driver):
        return session.fetchrow
    if isinstance(session, _Connection):
        return _ask_through(session)
    if not isinstance(session, _Session):
        raise TransactionError(f"{type(session).__name__} is no session that can be used.", hint=_HINT)
    if inspect.iscoroutinefunction(session.connection):
        connection = await session.connection()
    else:
        connection = await asyncio.to_thread(session.connection)
    if not isinstance(connection, _Connection):
        raise TransactionError(f"{type(session).__name__} gives no connection that can be used.", hint=_HINT)
    return _ask_through(connection)


def _ask_through(connection: _Connection) -> _Ask:
    dialect = connection.dialect
    if dialect.name != "postgresql":
        raise TransactionError(
            f"The session is one of {dialect.name}, and the store is in PostgreSQL.",
            hint="Start the execution after the commit.",
        )

    async def ask(statement: str, *parameters: str) -> Sequence[Any]:
        if dialect.paramstyle in {"format", "pyformat"}:
            for number in range(1, len(parameters) + 1):
                statement = statement.replace(f"${number}", "%s")
        send = connection.exec_driver_sql
        if inspect.iscoroutinefunction(send):
            result = await send(statement, parameters)
        else:
            result = await asyncio.to_thread(send, statement, parameters)
        return cast("Sequence[Any]", result.one())

    return ask
