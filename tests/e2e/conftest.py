"""One platform for the tests of a module that do not break it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from platform_process import PlatformProcess, platform_process


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[PlatformProcess]:
    """A platform of the test's own, not started."""
    async with platform_process() as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_platform() -> AsyncIterator[PlatformProcess]:
    """A running platform with short limits, for all tests of a module."""
    async with platform_process() as process:
        await process.start(build_timeout=6, health_timeout=6)
        yield process
