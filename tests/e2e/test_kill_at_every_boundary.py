"""The platform is killed at every step boundary of create-project; after its restart it goes on or has undone all."""

import itertools
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from eventually import eventually
from platform_process import ENDED, PlatformProcess, repository_of

MOST_STEPS = 30
MOST_KILLS = 200
HELLO = Path(__file__).parents[2] / "examples" / "hello"


@pytest.mark.slow
async def test_one_creation_survives_a_kill_at_each_of_its_boundaries(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    repository, execution = str(repository_of(HELLO, tmp_path / "hello")), ""
    crossed: list[str] = []
    for kill_at in itertools.islice(
        itertools.cycle((1, "durable")), MOST_KILLS
    ):  # as something begins, then as it ends
        await platform.start(kill_at=kill_at)
        with suppress(httpx.TransportError):
            execution = await platform.create("hello", repository, key="chain")
        if await _killed_or_ended(platform, execution):
            break
        crossed += platform.boundaries.read_text().splitlines()
    assert len(crossed) > MOST_STEPS, crossed
    assert (await platform.ended(execution))["status"] == "succeeded", platform.tail()
    assert (await platform.get("production", "hello")).status_code == 200
    await eventually(partial(_told, platform, execution), within=20)
    await _delete(platform)
    await platform.stop()
    _check_recorded_once(platform, "chain")


async def _killed_or_ended(platform: PlatformProcess, execution: str) -> bool:
    """Wait until the platform was killed (False), or the execution has ended under it (True)."""

    async def look() -> str:
        if not platform.running:
            return "killed"
        with suppress(httpx.TransportError):
            found = await platform.ask("GET", f"/executions/{execution}")
            return "ended" if found["status"] in ENDED else ""
        return ""

    return await eventually(look, within=120, every=0.1) == "ended"


@pytest.mark.long
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
        await eventually(partial(_told, platform, execution), within=20)
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
    with suppress(httpx.TransportError):  # it may be killed before it answers
        await platform.create("hello", repository, key=key)
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
