import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: each of these tests would wait for the disk hundreds of times."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="euryale-tests-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def platform(tmp_path: Path) -> MemoryPlatform:
    return MemoryPlatform(tmp_path)


@pytest.fixture
async def running(platform: MemoryPlatform) -> AsyncIterator[RunningPlatform]:
    async with platform.running() as running:
        yield running
