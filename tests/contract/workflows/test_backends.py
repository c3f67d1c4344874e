"""Every backend keeps the same promises: here our own runtime, over each of its stores."""

import pytest

from euryale.workflows import Backend, Engine, JsonCodec, Workflow
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import BackendContract


class EngineOver(BackendContract):
    """Engines with one key, over stores that a fixture ``new_store`` makes."""

    @pytest.fixture
    def new_backend(self, new_store):
        codec = JsonCodec((JsonCodec.new_key(),))

        async def open_engine(*workflows: Workflow, deliver=None) -> Backend:
            engine = Engine(new_store(), workflows=workflows, deliver=deliver, codec=codec)
            await engine.open()
            return engine

        return open_engine


class TestEngineOverMemory(EngineOver):
    @pytest.fixture
    def new_store(self):
        store = MemoryStore()
        return lambda: store


class TestEngineOverSQLite(EngineOver):
    @pytest.fixture
    def new_store(self, tmp_path):
        return lambda: SQLiteStore(tmp_path / "store.db", durability="process")


class TestEngineOverPostgres(EngineOver):
    @pytest.fixture
    def new_store(self, new_postgres_store):
        return new_postgres_store
