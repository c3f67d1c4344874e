"""The unit of work, on a real SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import (
    CommitRefusedError,
    Database,
    DatabaseUnavailableError,
    DataError,
    DuplicateRecordError,
    EncryptionError,
    KeyRing,
    Model,
    Session,
    Timestamped,
    id_column,
    reencrypt,
)
from euryale.kit.secret import Secret


class Base(Model, DeclarativeBase, module="notes"):
    """The tables of these tests."""


class Note(Base, Timestamped):
    id: Mapped[str] = id_column("note")
    slug: Mapped[str] = mapped_column(unique=True)
    token: Mapped[Secret | None]
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)


OLD, NEW = KeyRing.new_key(), KeyRing.new_key()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/notes.sqlite3", keys=KeyRing([OLD]), patience=5)
    async with database.migrating() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def slugs(database: Database) -> list[str]:
    async with database.reading() as session:
        return list((await session.scalars(select(Note.slug).order_by(Note.slug))).all())


async def test_a_unit_of_work_is_committed_at_its_end(database: Database):
    async with database.transaction() as session:
        note = Note(slug="a", token=Secret("hunter2"), labels={"x": [1]})
        session.add(note)
    async with database.reading() as session:
        found = (await session.scalars(select(Note))).one()
    assert found.id.startswith("note_")
    assert found.token == Secret("hunter2")
    assert found.labels == {"x": [1]}
    assert found.created_at.tzinfo is UTC
    assert found.created_at <= found.updated_at <= datetime.now(UTC)  # noqa: TID251 -- compared with the machine's


async def add(session: Session, slug: str, then: type[Exception] | None = None) -> None:
    session.add(Note(slug=slug))
    await session.flush()
    if then is not None:
        raise then


async def test_it_is_rolled_back_if_its_block_raises(database: Database):
    with pytest.raises(LookupError):
        async with database.transaction() as session:
            await add(session, "a", then=LookupError)
    assert await slugs(database) == []


async def test_nobody_else_commits(database: Database):
    async with database.transaction() as session:
        with pytest.raises(CommitRefusedError):
            await session.commit()
        with pytest.raises(CommitRefusedError):
            await session.rollback()
        await add(session, "a")
    assert await slugs(database) == ["a"]


async def test_an_inner_unit_joins_the_outer_one_and_undoes_only_itself(database: Database):
    async with database.transaction() as outer:
        await add(outer, "outer")
        with pytest.raises(LookupError):
            async with database.transaction() as inner:
                await add(inner, "inner", then=LookupError)
        async with database.transaction() as inner:
            assert inner is outer
            await add(inner, "second")
    assert await slugs(database) == ["outer", "second"]


async def test_an_outer_unit_goes_on_after_an_inner_one_whose_record_exists(database: Database):
    async with database.transaction() as session:
        session.add(Note(slug="taken"))
    async with database.transaction() as outer:
        await add(outer, "outer")
        with pytest.raises(DuplicateRecordError):
            async with database.transaction() as inner:
                await add(inner, "taken")
        with pytest.raises(DuplicateRecordError):
            async with database.transaction() as inner:
                inner.add(Note(slug="taken"))
        await add(outer, "later")
    assert await slugs(database) == ["later", "outer", "taken"]


async def test_another_task_has_a_unit_of_its_own(database: Database):
    async def other() -> None:
        async with database.transaction() as session:
            await add(session, "other")

    async with database.transaction() as session:
        await add(session, "first")
        waiting = asyncio.ensure_future(other())
    await waiting
    assert await slugs(database) == ["first", "other"]


async def test_a_taken_unique_value_is_a_conflict_with_its_cause(database: Database):
    async with database.transaction() as session:
        session.add(Note(slug="a"))
    with pytest.raises(DuplicateRecordError) as caught:
        async with database.transaction() as session:
            session.add(Note(slug="a"))
    assert "UNIQUE" in str(caught.value.__cause__)


async def test_an_error_of_the_database_quotes_no_values(database: Database):
    with pytest.raises(OperationalError, match="no such table") as caught:
        async with database.reading() as session:
            await session.execute(text("SELECT * FROM gone WHERE name = :name"), {"name": "hunter2"})
    assert "hunter2" not in str(caught.value)


async def test_concurrent_writers_wait_for_one_another(database: Database):
    async def count_up() -> None:
        async with database.transaction() as session:
            note = (await session.scalars(select(Note))).one()
            note.labels = {"count": note.labels["count"] + 1}

    async with database.transaction() as session:
        session.add(Note(slug="a", labels={"count": 0}))
    await asyncio.gather(*(count_up() for _ in range(20)))
    async with database.reading() as session:
        assert (await session.scalars(select(Note.labels))).one() == {"count": 20}


async def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, database: Database):
    impatient = Database(f"sqlite:///{tmp_path}/notes.sqlite3", patience=0.05)
    async with database.transaction():
        with pytest.raises(DatabaseUnavailableError, match="another writer"):
            async with impatient.transaction():
                pytest.fail("it did not wait")
    await impatient.close()


async def test_a_reading_session_sees_one_state_and_cannot_write(database: Database):
    async with database.transaction() as session:
        session.add(Note(slug="a"))
    async with database.reading() as session:
        with pytest.raises(OperationalError, match="readonly"):
            await session.execute(text("DELETE FROM notes_note"))
    assert await slugs(database) == ["a"]


async def test_the_pragmas_are_as_promised(database: Database):
    async with database.transaction() as session:
        values = {
            name: (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("foreign_keys", "journal_mode", "busy_timeout", "synchronous", "query_only")
        }
    assert values == {
        "foreign_keys": 1,
        "journal_mode": "delete",
        "busy_timeout": 5000,
        "synchronous": 2,
        "query_only": 0,
    }


async def test_a_secret_is_encrypted_in_the_file_and_keys_can_be_rotated(tmp_path: Path, database: Database):
    async with database.transaction() as session:
        session.add_all([Note(slug="a", token=Secret("hunter2")), Note(slug="b", token=None)])
    file = tmp_path / "notes.sqlite3"
    assert b"hunter2" not in file.read_bytes()

    rotating = Database(f"sqlite:///{file}", keys=KeyRing([NEW, OLD]))
    assert await reencrypt(rotating, Base.metadata) == 2
    await rotating.close()
    with pytest.raises(EncryptionError, match="none of the keys"):
        async with database.reading() as session:
            await session.scalars(select(Note))
    after = Database(f"sqlite:///{file}", keys=KeyRing([NEW]))
    async with after.reading() as session:
        tokens = (await session.scalars(select(Note.token).order_by(Note.slug))).all()
    await after.close()
    assert tokens == [Secret("hunter2"), None]
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://h/d", "begins with 'mysql'"),
        ("user:hunter2@nowhere", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_quoting_it(url: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)


async def test_closing_waits_for_what_is_under_way(database: Database, caplog: pytest.LogCaptureFixture):
    inside = asyncio.Event()

    async def write(slug: str) -> None:
        async with database.transaction() as session:
            inside.set()
            await add(session, slug)

    writing = [asyncio.create_task(write(slug)) for slug in "abc"]
    await inside.wait()
    writing[1].cancel()
    await database.close()
    assert all(task.done() for task in writing)
    assert caplog.records == []


async def test_a_postgres_that_accepts_and_says_nothing_is_unavailable():
    released = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql://ann@127.0.0.1:{port}/notes", patience=0.1)
    async with asyncio.timeout(10):
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()
    await database.close()
    released.set()
    server.close()
    await server.wait_closed()


async def test_a_postgres_that_does_not_answer_is_unavailable(free_port: int):
    database = Database(Secret(f"postgresql://ann:hunter2@127.0.0.1:{free_port}/notes"))
    with pytest.raises(DatabaseUnavailableError) as caught:
        await database.ping()
    assert "hunter2" not in str(caught.value)
    await database.close()
