"""The schema of each store as one text, read from a database: what scripts/schemas writes, and the tests compare."""

import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import apsw
import asyncpg

from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from postgres_server import postgres_server

STORES = Path(__file__).parents[1] / "src" / "euryale" / "workflows" / "stores"
HEADER = "-- The whole schema, as the migrations make it: for people to read. Written by scripts/schemas; a test compares it."

UNIQUE = "SELECT name FROM pragma_index_list(?) WHERE origin = 'u'"
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN (SELECT quote_ident(collname) FROM pg_collation
        WHERE oid = a.attcollation) END,
    a.attnotnull, a.attidentity <> '', pg_get_expr(d.adbin, d.adrelid), c.relkind, c.reloptions
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'c')
ORDER BY c.relkind = 'r', c.relname, a.attnum
"""
CONSTRAINTS = """
SELECT r.relname, pg_get_constraintdef(k.oid) FROM pg_constraint AS k JOIN pg_class AS r ON r.oid = k.conrelid
WHERE k.connamespace = $1::regnamespace AND k.contype IN ('p', 'u', 'f', 'c') ORDER BY 1, k.contype, 2
"""
INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_class AS x ON x.oid = i.indexrelid
WHERE c.relnamespace = $1::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
ORDER BY c.relname, x.relname
"""
COMMENTS = """
SELECT format('COMMENT ON COLUMN %I.%I IS %L;', c.relname, a.attname, d.description)
FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid JOIN pg_attribute AS a
    ON a.attrelid = c.oid AND a.attnum = d.objsubid
WHERE c.relnamespace = $1::regnamespace ORDER BY 1
"""
FUNCTIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p WHERE p.pronamespace = $1::regnamespace ORDER BY p.proname, p.oid
"""


def sqlite_schema(connection: apsw.Connection) -> str:
    """Return the schema of a SQLite database; columns in the order of their names' first appearance."""
    parts = [HEADER]
    tables = connection.execute(
        "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    for name, without_rowid, strict in tables:
        options = [text for text, chosen in (("STRICT", strict), ("WITHOUT ROWID", without_rowid)) if chosen]
        parts.append(_sqlite_table(connection, str(name), ", ".join(options)))
        indexes = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND tbl_name = ? AND sql IS NOT NULL"
            " ORDER BY name",
            (name,),
        )
        parts[-1] += "".join(f"\n{_one_line(str(sql))};" for (sql,) in indexes)
    return "\n\n".join(parts) + "\n"


def _sqlite_table(connection: apsw.Connection, name: str, options: str) -> str:
    info = connection.execute('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', (name,))
    columns, key = [], {}
    for column, kind, required, default, place in info.fetchall():
        text = f"{_names([str(column)])} {kind}"
        text += " NOT NULL" if required else ""
        text += "" if default is None else f" DEFAULT {default}"
        columns.append(text)
        if place:
            key[place] = str(column)
    unique = [
        [str(column) for (column,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        for (index,) in connection.execute(
            "SELECT name FROM pragma_index_list(?) WHERE origin = 'u'", (name,)
        ).fetchall()
    ]
    if key:
        columns.append(f"PRIMARY KEY ({_names([key[place] for place in sorted(key)])})")
    columns += [f"UNIQUE ({_names(each)})" for each in unique]
    return f"CREATE TABLE {name} (\n    " + ",\n    ".join(columns) + f"\n) {options};"


def _names(columns: Sequence[str]) -> str:
    return ", ".join('"key"' if each == "key" else each for each in columns)


def _one_line(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).replace("CREATE INDEX IF NOT EXISTS", "CREATE INDEX").strip()


async def postgres_schema(connection: asyncpg.Connection, schema: str) -> str:
    """Return what is in a schema of PostgreSQL, without the name of the schema."""
    tables: dict[tuple[str, str, str], list[str]] = {}
    for table, column, kind, collation, required, identity, default, relkind, options in await connection.fetch(
        COLUMNS, schema
    ):
        text = f"{column} {kind}"
        text += f" COLLATE {collation}" if collation else ""
        text += " GENERATED ALWAYS AS IDENTITY" if identity else ""
        text += " NOT NULL" if required and not identity else ""
        text += f" DEFAULT {default}" if default else ""
        key = (table, "TYPE" if relkind == b"c" else "TABLE", f" WITH ({', '.join(options)})" if options else "")
        tables.setdefault(key, []).append(text)
    for table, constraint in await connection.fetch(CONSTRAINTS, schema):
        next(columns for (name, *_), columns in tables.items() if name == table).append(constraint)
    parts = [HEADER]
    indexes = [(str(table), str(text)) for table, text in await connection.fetch(INDEXES, schema)]
    for (table, what, options), columns in tables.items():
        opening = f"CREATE {what} {table} {'AS ' if what == 'TYPE' else ''}(\n    "
        parts.append(opening + ",\n    ".join(columns) + f"\n){options};")
        parts[-1] += "".join(f"\n{text};" for owner, text in indexes if owner == table)
    parts += [str(text) for (text,) in await connection.fetch(COMMENTS, schema)]
    parts += [f"{str(text).strip()};" for (text,) in await connection.fetch(FUNCTIONS, schema)]
    return "\n\n".join(parts).replace(f"{schema}.", "") + "\n"


async def fresh_sqlite_schema(folder: Path) -> str:
    """Return the schema of a store on SQLite that was just made."""
    store = SQLiteStore(folder / "fresh.db")
    await store.open()
    await store.close()
    with contextlib.closing(apsw.Connection(str(folder / "fresh.db"))) as connection:
        return sqlite_schema(connection)


async def fresh_postgres_schema(url: str, schema: str) -> str:
    """Return the schema of a store on PostgreSQL that was just made."""
    store = PostgresStore(url, schema=schema)
    await store.open()
    await store.close()
    connection = await asyncpg.connect(url)
    try:
        return await postgres_schema(connection, schema)
    finally:
        await connection.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        made = {
            "sqlite": await fresh_sqlite_schema(Path(folder)),
            "postgres": await fresh_postgres_schema(server.url, "euryale"),
        }
    for store, text in made.items():
        path = STORES / store / "schema.sql"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path.relative_to(STORES.parents[3])} was written.\n")


if __name__ == "__main__":
    asyncio.run(main())
