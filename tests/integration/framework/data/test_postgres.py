"""The same promises on PostgreSQL."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import (
    Database,
    DatabaseUnavailableError,
    DuplicateRecordError,
    KeyRing,
    Model,
    Schema,
    Timestamped,
    id_column,
    make_migration,
    migrate,
    schema_differences,
)
from euryale.kit.secret import Secret


class Base(Model, DeclarativeBase, module="notes"):
    """The tables of these tests."""


class Author(Base):
    id: Mapped[str] = id_column("author")


class Note(Base, Timestamped):
    id: Mapped[str] = id_column("note")
    slug: Mapped[str] = mapped_column(unique=True)
    token: Mapped[Secret | None]
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author_id: Mapped[str | None] = mapped_column(ForeignKey("notes_author.id", ondelete="CASCADE"))


@pytest.fixture
async def schema(tmp_path: Path) -> Schema:
    schema = Schema("notes", Base.metadata, tmp_path / "migrations")
    await make_migration(schema, "create notes")
    return schema


@pytest.fixture
async def url(postgres_port: int) -> AsyncIterator[str]:
    """A database of its own."""
    address = f"postgresql://ann@127.0.0.1:{postgres_port}"
    server = Database(f"{address}/postgres")
    await administer(server, "CREATE DATABASE notes")
    yield f"{address}/notes"
    await administer(server, "DROP DATABASE notes WITH (FORCE)")
    await server.close()


async def administer(server: Database, command: str) -> None:
    async with server.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text(command))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, keys=KeyRing([KeyRing.new_key()]))
    yield database
    await database.close()


async def test_a_migration_made_on_sqlite_fits_postgres(database: Database, schema: Schema):
    assert await migrate(database, [schema]) == {"notes": "0001"}
    assert await schema_differences(database, schema) == []


async def test_first_boots_at_once_do_not_harm_the_schema(url: str, schema: Schema):
    boots = [Database(url) for _ in range(3)]
    versions = await asyncio.gather(*(asyncio.to_thread(asyncio.run, boot_once(url, schema)) for _ in boots))
    assert versions == [{"notes": "0001"}] * 3
    assert await schema_differences(boots[0], schema) == []
    for each in boots:
        await each.close()


async def boot_once(url: str, schema: Schema) -> Any:
    database = Database(url)
    try:
        return await migrate(database, [schema])
    finally:
        await database.close()


async def test_a_unit_of_work_keeps_its_promises(database: Database, schema: Schema):
    await migrate(database, [schema])
    async with database.transaction() as session:
        session.add(Note(slug="a", token=Secret("hunter2"), labels={"x": 1}))
    with pytest.raises(DuplicateRecordError):
        async with database.transaction() as session:
            session.add(Note(slug="a"))
    async with database.reading() as session:
        note = (await session.scalars(select(Note))).one()
        assert note.token == Secret("hunter2")
        assert note.created_at.utcoffset() is not None
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(text("DELETE FROM notes_note"))


async def test_a_database_that_is_not_there_is_unavailable(url: str):
    database = Database(f"{url}_none")
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    await database.close()


async def test_a_connection_that_was_cut_is_replaced(database: Database, schema: Schema):
    await migrate(database, [schema])
    await database.ping()
    await asyncio.gather(*(database.ping() for _ in range(3)))
    server = Database(database.url.set(database="postgres").render_as_string(hide_password=False))
    await administer(
        server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'notes' AND pid <> pg_backend_pid()",
    )
    await server.close()
    await database.ping()


async def test_whoever_is_cancelled_while_migrating_leaves_no_lock_and_no_noise(
    database: Database, caplog: pytest.LogCaptureFixture
):
    async def change() -> None:
        async with database.migrating() as connection:
            await connection.execute(text("CREATE TABLE numbers (number INTEGER)"))

    for round_ in range(40):
        changing = [asyncio.create_task(change()) for _ in range(3)]
        await asyncio.wait(changing, timeout=round_ * 0.0005)
        for task in changing:
            task.cancel()
        await asyncio.gather(*changing, return_exceptions=True)
    async with database.migrating() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS numbers"))
    gc.collect()
    assert caplog.records == []
