"""The database server: where it is, how a session with it begins, and what its errors mean."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from euryale.kit.secret import Secret
from euryale.workflows.errors import StoreError, UnwritableError
from euryale.workflows.stores.postgres.statements import SQL

Connection: TypeAlias = asyncpg.Connection
Durability = Literal["full", "process"]

_SCHEMA: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,47}")
_SCHEMES: Final = ("postgresql", "postgres")
_CONNECT_WITHIN: Final = 10.0
_ANSWER_WITHIN: Final = 30.0
_SETTLE_WITHIN: Final = 2.0
_SETTINGS: Final = {"jit": "off", "client_min_messages": "warning"}  # plans that run for microseconds

_HOPELESS: Final = ("22", "23", "54", "XX001", "XX002")
"""What waiting does not mend: values that do not fit, broken constraints, sizes beyond limits, damaged data."""
_LOST: Final = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class Server:
    """A database, and a schema in it.

    Attributes:
        url: Where, with user and password.
        schema: The schema in which everything is kept.
        durability: How durable a commit is.
        store: The id of the store that talks to it; its sessions are named after it.
        beginning: The sessions that are about to begin.
    """

    url: Secret
    schema: str
    durability: Durability
    store: str
    beginning: set[asyncio.Task[Connection]] = field(default_factory=set, compare=False, repr=False)

    def check(self) -> None:
        """Refuse what cannot be a server.

        Raises:
            StoreError: If the URL or the schema's name cannot be right.
        """
        if not self.url.reveal().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
            raise StoreError("The URL of a PostgresStore begins with postgresql://.")
        if _SCHEMA.fullmatch(self.schema) is None:
            raise StoreError(
                f"{self.schema!r} cannot be the schema of a PostgresStore.",
                hint="Use small letters, digits and underscores, at most 48, no digit first, not pg_.",
            )

    @property
    def name(self) -> str:
        """Host, port and database, without user and password."""
        try:
            parts = urlsplit(self.url.reveal())
            host, port = parts.hostname or "localhost", parts.port or 5432
        except ValueError:  # it would quote what is no port, and that may be half a password
            return "PostgreSQL"
        return f"PostgreSQL at {host}:{port}{parts.path}"

    async def connect(self, session: str, settings: Mapping[str, str] | None = None) -> Connection:
        """Begin a session.

        Args:
            session: Its name: what it is for.
            settings: What it sets besides the usual.

        Raises:
            StoreError: If the server is away or does not let us in.
        """
        task = asyncio.get_running_loop().create_task(self._connect(session, settings or {}), name=f"connect {session}")
        self.beginning.add(task)
        task.add_done_callback(self.beginning.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:  # the driver would leave a trace of one that is broken off half-way
            task.add_done_callback(_break_off)
            raise

    async def settle(self) -> None:
        """Wait, not for long, until no session is about to begin."""
        if self.beginning:
            await asyncio.wait(self.beginning, timeout=_SETTLE_WITHIN)

    async def _connect(self, session: str, settings: Mapping[str, str]) -> Connection:
        wanted = {**_SETTINGS, "search_path": f'"{self.schema}"', "application_name": self.label(session)}
        if self.durability == "process":
            wanted["synchronous_commit"] = "off"
        try:
            connection: Connection = await asyncpg.connect(
                self.url.reveal(),
                timeout=_CONNECT_WITHIN,
                command_timeout=_ANSWER_WITHIN,
                max_cached_statement_lifetime=0,
                server_settings={**wanted, **settings},
            )
        except (ValueError, asyncpg.ClientConfigurationError):  # whose text may quote parts of the URL
            raise StoreError(f"The URL of {self.name} is not one.") from None
        except Exception as error:
            raise self.translate(error, "cannot be reached") from error
        if self.durability == "full" and "synchronous_commit" not in {**wanted, **settings}:
            try:
                await connection.execute(SQL.keep_commits)
            except Exception as error:
                connection.terminate()
                raise self.translate(error) from error
        return connection

    def label(self, session: str) -> str:
        """Return the name under which the server knows a session."""
        return f"euryale {self.store}/{session}"

    def translate(self, error: Exception, what: str = "failed") -> StoreError:
        """Return what an error of the driver means for the store."""
        if isinstance(error, StoreError):
            return error
        text = str(error) or type(error).__name__
        if is_hopeless(error):
            return UnwritableError(f"{self.name}: {text}")
        return StoreError(f"{self.name} {what}: {text}")


def _break_off(task: asyncio.Task[Connection]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def is_hopeless(error: BaseException) -> bool:
    """Return whether the same statement with the same values can never succeed."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(_HOPELESS)


def is_lost(error: BaseException) -> bool:
    """Return whether a session cannot be used any more after an error; whatever is no ``Exception`` is taken so."""
    if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(("57P", "25")):
        return True  # the server shuts down; or it is read-only by now: another one may not be
    return isinstance(error, _LOST) or not isinstance(error, Exception)
