"""The members of the database family keep their contract."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from cluster_root import cluster_root
from euryale.cloud.providers.database.contract import Database
from euryale.cloud.providers.database.memory import MemoryDatabase
from euryale.cloud.providers.database.postgres import PostgresClusters
from euryale.cloud.providers.database.postgres.server import processes_in
from euryale.cloud.testing.database import ConnectedDatabaseContract, DatabaseContract
from euryale.kit.secret import Secret

# runs at the same time on one machine should not look for ports in the same place
FIRST_PORT = 17000 + os.getpid() % 100 * 20


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with cluster_root(in_memory=True) as root:
        yield root


class TestMemory(DatabaseContract):
    @pytest.fixture
    def database(self) -> Database:
        return MemoryDatabase()


class TestPostgres(ConnectedDatabaseContract):
    @pytest.fixture
    async def database(self, root: Path) -> AsyncIterator[Database]:
        clusters = PostgresClusters(root, ports=range(FIRST_PORT, FIRST_PORT + 20))
        yield clusters
        for project in [name for name in await clusters.inventory() if "/" not in name]:
            await clusters.destroy_project(project)
        assert await clusters.inventory() == frozenset()
        assert processes_in(root) == []

    async def query(self, url: Secret, statement: str) -> object:
        connection = await asyncpg.connect(url.reveal(), timeout=10)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close(timeout=10)
