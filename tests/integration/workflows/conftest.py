"""A PostgreSQL of its own for each test: they stop it."""

import pytest

from postgres_server import postgres_server


@pytest.fixture
def server():
    with postgres_server() as server:
        yield server
