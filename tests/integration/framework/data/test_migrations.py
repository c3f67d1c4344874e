"""Migrations: written from the models, run in one transaction, safe when two processes boot at once."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import (
    Database,
    MigrationError,
    Model,
    Schema,
    Timestamped,
    id_column,
    make_migration,
    migrate,
    schema_differences,
)
from euryale.kit.secret import Secret


def first_models() -> type[DeclarativeBase]:
    class Base(Model, DeclarativeBase, module="notes"): ...

    class Author(Base):
        id: Mapped[str] = id_column("author")

    class Note(Base, Timestamped):
        id: Mapped[str] = id_column("note")
        slug: Mapped[str] = mapped_column(unique=True)
        token: Mapped[Secret | None]
        labels: Mapped[dict[str, Any]]
        author_id: Mapped[str] = mapped_column(ForeignKey("notes_author.id", ondelete="CASCADE"))

    return Base


def later_models() -> type[DeclarativeBase]:
    class Base(Model, DeclarativeBase, module="notes"): ...

    class Author(Base):
        id: Mapped[str] = id_column("author")
        name: Mapped[str | None] = mapped_column(unique=True)

    class Note(Base, Timestamped):
        id: Mapped[str] = id_column("note")
        slug: Mapped[str] = mapped_column(unique=True)
        token: Mapped[Secret | None]
        labels: Mapped[dict[str, Any]]
        author_id: Mapped[str] = mapped_column(ForeignKey("notes_author.id", ondelete="CASCADE"))

    return Base


def schema_of(models: type[DeclarativeBase], folder: Path) -> Schema:
    return Schema("notes", models.metadata, folder / "migrations")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/notes.sqlite3")
    yield database
    await database.close()


async def test_migrations_follow_the_models(tmp_path: Path, database: Database):
    first = schema_of(first_models(), tmp_path)
    written = await make_migration(first, "create notes")
    assert written is not None
    assert written.name == "0001_create_notes.py"
    content = written.read_text()
    assert "euryale" not in content
    assert "sa.DateTime(timezone=True)" in content

    assert await migrate(database, [first]) == {"notes": "0001"}
    assert await schema_differences(database, first) == []
    assert await make_migration(first, "nothing") is None

    later = schema_of(later_models(), tmp_path)
    assert await schema_differences(database, later) != []
    assert await make_migration(later, "name authors") is not None
    assert await migrate(database, [later]) == {"notes": "0002"}
    assert await schema_differences(database, later) == []


async def test_replacing_a_table_does_not_delete_what_refers_to_it(tmp_path: Path, database: Database):
    await make_migration(first := schema_of(first_models(), tmp_path), "create")
    await migrate(database, [first])
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO notes_author (id) VALUES ('a')"))
        await session.execute(
            text("INSERT INTO notes_note VALUES ('n', 's', NULL, '{}', 'a', '2026-01-01', '2026-01-01')")
        )
    await make_migration(later := schema_of(later_models(), tmp_path), "name authors")
    await migrate(database, [later])
    async with database.reading() as session:
        assert (await session.execute(text("SELECT id FROM notes_note"))).scalars().all() == ["n"]
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1


async def test_if_one_migration_fails_none_has_happened(tmp_path: Path, database: Database):
    await make_migration(schema := schema_of(first_models(), tmp_path), "create")
    (schema.migrations / "0002_broken.py").write_text(
        'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        'def upgrade():\n    op.execute("CREATE TABLE notes_extra (id TEXT)")\n    raise OSError("power cut")\n'
    )
    with pytest.raises(OSError, match="power cut"):
        await migrate(database, [schema])
    with sqlite3.connect(tmp_path / "notes.sqlite3") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


async def test_a_broken_reference_is_refused(tmp_path: Path, database: Database):
    await make_migration(schema := schema_of(first_models(), tmp_path), "create")
    (schema.migrations / "0002_orphans.py").write_text(
        'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        "def upgrade():\n    op.execute(\"INSERT INTO notes_note VALUES ('n','s',NULL,'{}','gone','x','x')\")\n"
    )
    with pytest.raises(MigrationError, match="notes_note refers to none of notes_author"):
        await migrate(database, [schema])


async def test_a_database_newer_than_the_code_is_refused(tmp_path: Path, database: Database):
    await make_migration(schema := schema_of(first_models(), tmp_path), "create")
    await migrate(database, [schema])
    async with database.transaction() as session:
        await session.execute(text("UPDATE notes_alembic_version SET version_num = '0009'"))
    with pytest.raises(MigrationError, match="module 'notes' cannot run") as caught:
        await migrate(database, [schema])
    assert "newer than the code" in caught.value.hint


BOOT = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import MetaData
from euryale.framework.data import Database, Schema, migrate

async def main():
    database = Database(f"sqlite:///{sys.argv[1]}/notes.sqlite3")
    schema = Schema("notes", MetaData(), Path(sys.argv[1]) / "migrations")
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    sys.stdin.readline()
    for _ in range(3):
        await migrate(database, [schema])
    await database.close()

asyncio.run(main())
"""


async def test_first_boots_at_once_do_not_harm_the_schema(tmp_path: Path, database: Database):
    schema = schema_of(first_models(), tmp_path)
    await make_migration(schema, "create")
    pipe = asyncio.subprocess.PIPE
    boots = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", BOOT, str(tmp_path), stdin=pipe, stdout=pipe)
        for _ in range(3)
    ]
    for boot in boots:
        assert boot.stdout is not None
        assert await boot.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(boot.communicate(b"go\n") for boot in boots))
    assert len(ended) == 3
    assert [boot.returncode for boot in boots] == [0, 0, 0]
    assert await schema_differences(database, schema) == []


async def test_two_databases_may_be_migrated_at_once_in_one_process(tmp_path: Path):
    schema = schema_of(first_models(), tmp_path)
    await make_migration(schema, "create")
    databases = [Database(f"sqlite:///{tmp_path}/{name}.sqlite3") for name in "abc"]
    await asyncio.gather(*(migrate(each, [schema]) for each in databases))
    for each in databases:
        assert await schema_differences(each, schema) == []
        await each.close()
