"""Whatever version of a store was there before: it gets the schema of a fresh one, and what was written is there."""

import contextlib
import itertools

import apsw
import asyncpg
import pytest

from euryale.kit.secret import Secret
from euryale.workflows.record.states import Status
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.postgres.schema import migrate
from euryale.workflows.stores.postgres.server import Server
from euryale.workflows.stores.postgres.statements import SQL
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.stores.sqlite.statements import SQL as SQLITE
from store_schemas import STORES, fresh_postgres_schema, fresh_sqlite_schema, postgres_schema, sqlite_schema

NAMES = itertools.count(1)
KNOWN = {
    "id": "e",
    "execution_id": "e",
    "root_id": "e",
    "status": "waiting",
    "kind": "step.waiting",
    "step": "s",
}
KINDS_OF_MESSAGES = {"messages": "complete"}
EMPTY = (
    "parent_id",
    "parent_step",
    "owner",
    "reason",
    "stranded",
    "queue",
    "trace",
    "key",
    "taken_by",
    "slot",
    "queue_key",
    "dedup_key",
)
BY_TYPE = {"TEXT": "x", "text": "x", "INTEGER": 1, "REAL": 1.0, "BLOB": b"1", "bytea": b"1", "bigint": 1,
           "integer": 1, "double precision": 1.0, "boolean": False}  # fmt: skip


def value(table: str, column: str, kind: str):
    """Return something that a store of an earlier version may have held there."""
    if column == "kind":
        return KINDS_OF_MESSAGES.get(table, KNOWN["kind"])
    if column in EMPTY:
        return ""
    return KNOWN.get(column, BY_TYPE[kind])


def older_sqlite(path, version: int) -> None:
    """Make a database of an earlier version, with a row in each table."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "wal")
        for migration in SQLITE.migrations[:version]:
            connection.execute(migration)
        connection.pragma("user_version", version)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in tables:
            columns = connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (table,)).fetchall()
            names = ", ".join(f'"{name}"' for name, _ in columns)
            values = [value(table, name, kind) for name, kind in columns]
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", values)


async def check_what_was_there(store) -> None:
    journal = await store.load("e")
    assert (journal.row.status, journal.row.input) == (Status.WAITING, b"1")
    assert [entry.kind for entry in journal.entries] == ["step.waiting"]
    assert [(message.kind, message.number) for message in journal.messages] == [("complete", 1)]
    assert len(await store.released(10)) == 1


@pytest.mark.parametrize("version", range(len(SQLITE.migrations)))
async def test_a_migrated_sqlite_store_is_like_a_fresh_one(tmp_path, version):
    path = tmp_path / "store.db"
    older_sqlite(path, version)
    store = SQLiteStore(path)
    await store.open()
    if version:
        await check_what_was_there(store)
    await store.close()
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        assert sqlite_schema(connection) == await fresh_sqlite_schema(tmp_path)


async def test_the_written_schema_of_sqlite_is_the_one_that_a_store_has(tmp_path):
    written = (STORES / "sqlite" / "schema.sql").read_text("utf-8")
    assert written == await fresh_sqlite_schema(tmp_path), "run scripts/schemas"
    with contextlib.closing(apsw.Connection(":memory:")) as connection:
        connection.execute(written)
        assert sqlite_schema(connection) == written, "what is written makes it, too"


async def older_postgres(url: str, schema: str, version: int) -> None:
    await migrate(Server(Secret(url), schema, "full", "tests"), SQL.migrations[:version])
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    columns = await connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = $1"
        " AND table_name NOT IN ('versions', 'workers') AND is_identity = 'NO'"
        " AND data_type <> 'timestamp with time zone'",
        schema,
    )
    for table in {table for table, _, _ in columns}:
        mine = [(name, value(table, name, kind)) for owner, name, kind in columns if owner == table]
        names, places = (", ".join(each) for each in ([n for n, _ in mine], [f"${i + 1}" for i in range(len(mine))]))
        await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *(each for _, each in mine))
    await connection.execute("UPDATE events SET released = true")
    await connection.close()


@pytest.mark.parametrize("version", range(1, len(SQL.migrations)))
async def test_a_migrated_postgres_store_is_like_a_fresh_one(server, schema, version):
    await older_postgres(server.url, schema, version)
    store = PostgresStore(server.url, schema=schema)
    await store.open()
    await check_what_was_there(store)
    await store.close()
    connection = await asyncpg.connect(server.url)
    migrated = await postgres_schema(connection, schema)
    other = f"fresh_{next(NAMES)}"
    assert migrated == await fresh_postgres_schema(server.url, other)
    await connection.execute(f"DROP SCHEMA {other} CASCADE")
    await connection.close()


async def test_the_written_schema_of_postgres_is_the_one_that_a_store_has(server, schema):
    written = (STORES / "postgres" / "schema.sql").read_text("utf-8")
    assert written == await fresh_postgres_schema(server.url, schema), "run scripts/schemas"
    other = f"written_{next(NAMES)}"
    connection = await asyncpg.connect(server.url, server_settings={"search_path": other})
    await connection.execute(f"CREATE SCHEMA {other}")
    await connection.execute(written.replace("'euryale'", f"'{other}'"))
    assert await postgres_schema(connection, other) == written, "what is written makes it, too"
    await connection.execute(f"DROP SCHEMA {other} CASCADE")
    await connection.close()
