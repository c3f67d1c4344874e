from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.testing.platform import MemoryPlatform, RunningPlatform


@pytest.fixture
def platform(tmp_path: Path) -> MemoryPlatform:
    return MemoryPlatform(tmp_path)


@pytest.fixture
async def running(platform: MemoryPlatform) -> AsyncIterator[RunningPlatform]:
    async with platform.running() as running:
        yield running
