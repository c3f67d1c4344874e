"""What the framework's integration tests share."""

import socket
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent / "notebook_app"
sys.path.insert(0, str(NOTEBOOK))


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def notebook_folder() -> Path:
    """The folder that holds the package of the application notebook."""
    return NOTEBOOK
