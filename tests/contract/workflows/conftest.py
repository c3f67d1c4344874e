"""One PostgreSQL for all stores, and a schema of its own for each test."""

import itertools

import asyncpg
import pytest

from euryale.workflows.stores.postgres import PostgresStore
from postgres_server import postgres_server

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with postgres_server() as server:
        yield server


@pytest.fixture
async def schema(server):
    """The name of a schema that is not there yet."""
    name = f"test_{next(NUMBERS)}"
    yield name
    connection = await asyncpg.connect(server.url)
    await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    await connection.close()


@pytest.fixture
async def sql(server, schema):
    """A session in that schema."""
    connection = await asyncpg.connect(server.url, server_settings={"search_path": schema})
    yield connection
    await connection.close()


@pytest.fixture
async def new_postgres_store(server, schema):
    """Return what makes stores over the same data; they are closed at the end."""
    made = []

    def make(**options):
        made.append(PostgresStore(server.url, schema=schema, **options))
        return made[-1]

    yield make
    for store in made:
        await store.close()
