"""An engine in memory, and the names of what happened in it."""

import pytest

from euryale.workflows import Engine
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import Effects


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def engine(store):
    async with Engine(store) as engine:
        yield engine


@pytest.fixture
def effects():
    return Effects()
