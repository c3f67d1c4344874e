"""The schema: made and migrated when a store is opened, by one process at a time."""

from euryale.workflows.errors import UnusableStoreError
from euryale.workflows.stores.postgres.server import Connection, Server
from euryale.workflows.stores.postgres.sessions import say_goodbye
from euryale.workflows.stores.postgres.statements import SQL

_LONGEST_MIGRATION = 3600.0


async def migrate(server: Server, migrations: tuple[str, ...] = SQL.migrations) -> None:
    """Bring the schema up to date: each migration is done once, whole or not at all.

    Raises:
        StoreError: If the server is away, or the schema cannot be made.
        UnusableStoreError: If it was made by a later version.
    """
    connection = await server.connect("schema", {"synchronous_commit": "on"})
    try:
        if await _version(connection, server) != len(migrations):
            async with connection.transaction():
                await connection.execute(SQL.lock_schema, server.schema, timeout=_LONGEST_MIGRATION)
                await _catch_up(connection, server, migrations)
    except Exception as error:
        raise server.translate(error, "cannot hold the store's schema") from error
    finally:
        await say_goodbye(connection)


async def _version(connection: Connection, server: Server) -> int:
    if not await connection.fetchval(SQL.has_versions, server.schema):
        return 0
    version: int = await connection.fetchval(SQL.read_version)
    return version


async def _catch_up(connection: Connection, server: Server, migrations: tuple[str, ...]) -> None:
    if not await connection.fetchval(SQL.has_schema, server.schema):
        await connection.execute(f'CREATE SCHEMA "{server.schema}"')
    if not await connection.fetchval(SQL.has_versions, server.schema):
        await connection.execute(SQL.create_versions)
    done = await _version(connection, server)
    if done > len(migrations):
        raise UnusableStoreError(
            f"The schema {server.schema} was made by a later version of Euryale (schema {done}, known are "
            f"{len(migrations)}).",
            hint="Use that version, or another schema.",
        )
    for number, migration in enumerate(migrations[done:], done + 1):
        await connection.execute(migration, timeout=_LONGEST_MIGRATION)
        await connection.execute(SQL.add_version, number)
