"""The platform is killed at every step boundary of create-project; after its restart it goes on or has undone all."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventually import eventually
from platform_process import PlatformProcess, platform_process, repository_of

HELLO = Path(__file__).parents[2] / "examples" / "hello"


@pytest.fixture
async def platform() -> AsyncIterator[PlatformProcess]:
    async with platform_process() as platform:
        yield platform


@pytest.mark.slow
async def test_it_completes_or_is_undone_wherever_it_is_killed(platform: PlatformProcess, tmp_path: Path) -> None:
    repository = str(repository_of(HELLO, tmp_path / "hello"))
    boundaries = await _boundaries_of_a_whole_run(platform, repository)
    assert len(boundaries) > 40
    for number, boundary in enumerate(boundaries, start=1):
        await platform.start(kill_at=number)
        key = f"kill-{number}"
        await _create_until_killed(platform, repository, key)
        await platform.start()
        execution = await platform.create("hello", repository, key=key)
        found = await platform.ended(execution)
        assert found["status"] == "succeeded", (boundary, found, platform.tail())
        response = await platform.get("production", "hello")
        assert response.status_code == 200, (boundary, response.text)
        await eventually(lambda: _told(platform, execution), within=20)
        await _delete(platform)
        await platform.stop()
        _check_recorded_once(platform, boundary)


async def _boundaries_of_a_whole_run(platform: PlatformProcess, repository: str) -> list[str]:
    await platform.start()
    execution = await platform.create("hello", repository, key="whole")
    found = await platform.ended(execution)
    assert found["status"] == "succeeded", (found, platform.tail())
    boundaries = platform.boundaries.read_text().splitlines()
    await _delete(platform)
    await platform.stop()
    return boundaries


async def _create_until_killed(platform: PlatformProcess, repository: str, key: str) -> None:
    try:
        await platform.create("hello", repository, key=key)
    except Exception:  # noqa: BLE001 -- it may be killed before it answers
        assert not platform.running or platform.process is not None
    await platform.died()


async def _delete(platform: PlatformProcess) -> None:
    answer = await platform.ask("DELETE", "/projects/hello")
    found = await platform.ended(answer["execution"])
    assert found["status"] == "succeeded", found
    assert await platform.audit() == []


def _told(platform: PlatformProcess, execution: str) -> bool:
    told = Counter(
        each["event"] for each in platform.notifications() if each["data"].get("execution") in {None, execution}
    )
    return told["project.created"] > 0


def _check_recorded_once(platform: PlatformProcess, boundary: str) -> None:
    counted = Counter((execution, step) for execution, kind, step in platform.journal() if kind == "step.succeeded")
    assert max(counted.values()) == 1, (boundary, [each for each, times in counted.items() if times > 1])
    told = Counter(each["id"] for each in platform.notifications())
    assert max(told.values()) == 1, (boundary, told)
