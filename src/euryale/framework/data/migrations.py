"""Migrations: each module's own, run all together, written by comparing the models with the database."""

import asyncio
import io
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from euryale.framework.data.database import Database
from euryale.framework.data.errors import MigrationError
from euryale.framework.data.schema import Schema
from euryale.framework.data.types import EncryptedText, UtcDateTime

_ENVIRONMENT: Final = Path(__file__).parent / "environment"
_ADVISORY_LOCK: Final = 0x65757279616C65

_PLAIN_TYPES: Final[Mapping[type, str]] = {UtcDateTime: "sa.DateTime(timezone=True)", EncryptedText: "sa.Text()"}

# Alembic keeps what it works on in globals: in one process, one at a time
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def migrate(database: Database, schemas: Sequence[Schema]) -> Mapping[str, str | None]:
    """Bring the tables of all modules to their newest version, in one transaction and under a lock.

    Several processes may do so at once: the second finds nothing left to do. If any migration fails, none has
    happened.

    Args:
        database: Where the tables are.
        schemas: The modules' schemas, in the order in which they are to be migrated.

    Returns:
        The version of each module now; ``None`` for one without migrations.

    Raises:
        MigrationError: If a migration fails, or the database is newer than the code.
    """
    try:
        async with _turn(), database.migrating() as connection:
            if database.is_sqlite:
                await connection.run_sync(_upgrade_all, schemas)
                await connection.run_sync(_check_foreign_keys)
            else:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
                await connection.run_sync(_upgrade_all, schemas)
            return await connection.run_sync(_versions, schemas)
    except DBAPIError as error:
        raise MigrationError(
            f"the database cannot be migrated: {error.orig}",
            hint="Nothing was changed. Mend what it says, or go back to the former version of the application.",
        ) from error


async def make_migration(schema: Schema, message: str) -> Path | None:
    """Write the migration that leads from a module's newest version to its models.

    It is compared with a database of its own that is made for that and thrown away; none needs to run.

    Args:
        schema: The module's.
        message: What the migration does, in a few words.

    Returns:
        The new file; ``None`` if the models have not changed.

    Raises:
        MigrationError: If the migrations there are do not run.

    Example:
        >>> asyncio.run(make_migration(NOTES.schema, "create notes"))
    """
    with tempfile.TemporaryDirectory(prefix="euryale-migration-") as folder:
        database = Database(f"sqlite:///{folder}/scratch.sqlite3")
        try:
            await migrate(database, [schema])
            async with _turn(), database.migrating() as connection:
                return await connection.run_sync(_write_revision, schema, message)
        finally:
            await database.close()


async def schema_differences(database: Database, schema: Schema) -> list[Any]:
    """Return in what a module's tables in the database differ from its models, as Alembic's operations."""
    async with _turn(), database.migrating() as connection:
        return await connection.run_sync(_differences, schema)


def _turn() -> asyncio.Lock:
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def _upgrade_all(connection: Connection, schemas: Sequence[Schema]) -> None:
    for schema in schemas:
        try:
            command.upgrade(_config(connection, schema), "head")
        except CommandError as error:
            raise MigrationError(
                f"the migrations of module {schema.name!r} cannot run: {error}",
                hint="If the database is newer than the code, deploy the newer code; revisions that stand side by side"
                " must be put one after the other.",
            ) from error


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise MigrationError(
            f"after the migrations a row of table {broken[0]} refers to none of {broken[2]}; nothing was changed",
            hint="Let the migration delete such rows, or set their references to NULL.",
        )


def _versions(connection: Connection, schemas: Sequence[Schema]) -> dict[str, str | None]:
    return {
        schema.name: MigrationContext.configure(connection, opts=_options(schema)).get_current_revision()
        for schema in schemas
    }


def _differences(connection: Connection, schema: Schema) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection, opts=_options(schema)), schema.metadata))


def _write_revision(connection: Connection, schema: Schema, message: str) -> Path | None:
    config = _config(connection, schema)
    written = len(list(ScriptDirectory.from_config(config).walk_revisions()))

    def drop_if_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
        if directives and directives[0].upgrade_ops.is_empty():
            directives.clear()

    script = command.revision(
        config,
        message=message,
        autogenerate=True,
        rev_id=f"{written + 1:04}",
        version_path=str(schema.migrations),
        process_revision_directives=drop_if_empty,
    )
    found = next(iter(script), None) if isinstance(script, list) else script
    return Path(found.path) if found is not None else None


def _config(connection: Connection, schema: Schema) -> Config:
    config = Config(stdout=io.StringIO(), cmd_opts=Namespace(quiet=True))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", _escaped(schema.migrations))
    config.attributes.update(connection=connection, options=_options(schema))
    return config


def _options(schema: Schema) -> dict[str, Any]:
    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or (name is not None and schema.owns(name))

    return {
        "target_metadata": schema.metadata,
        "version_table": schema.version_table,
        "include_name": include_name,
        "render_item": _render_item,
        "render_as_batch": True,
        "transactional_ddl": True,
        "compare_type": True,
    }


def _render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # a migration outlives the code it was made from: so it names plain types only
    if kind == "type":
        for ours, plain in _PLAIN_TYPES.items():
            if isinstance(item, ours):
                return plain
    return False


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
