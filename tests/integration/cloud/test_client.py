"""The client through disconnections: what it follows goes on where it stopped, and nothing comes twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.client import NotAuthorizedError, PlatformClient, PlatformError, ProjectRequest, UnreachableError
from euryale.cloud.wire.executions import ExecutionEventInfo
from euryale.framework.http import StreamGate
from euryale.kit.secret import Secret
from eventually import eventually
from http_server import serving
from memory_platform import BUILT, RUNNING, MemoryPlatform, memory_platform


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[MemoryPlatform]:
    async with memory_platform(tmp_path) as running:
        yield running


class Served:
    """A platform whose server goes away and comes back on the same port."""

    def __init__(self, platform: MemoryPlatform) -> None:
        self._platform = platform
        self.port = 0

    async def __aenter__(self) -> str:
        state = self._platform.application.asgi.state
        state.stream_gate = StreamGate()
        self._serving = serving(self._platform.application.asgi, port=self.port)
        url = await self._serving.__aenter__()
        self.port = int(url.rpartition(":")[2])
        return url

    async def __aexit__(self, *_: object) -> None:
        self._platform.application.asgi.state.stream_gate.close()
        await self._serving.__aexit__(None, None, None)


async def test_an_execution_is_followed_across_a_restart_of_the_server(platform: MemoryPlatform):
    platform.builder.outcome = RUNNING
    repository, served = platform.repository(), Served(platform)
    events: list[ExecutionEventInfo] = []
    async with served as url:
        client = PlatformClient(url, platform.token)
        execution = await client.create_project(ProjectRequest("shop", str(repository.path)))

        async def follow() -> None:
            async for change in client.follow_execution(execution):
                events.extend([change] if isinstance(change, ExecutionEventInfo) else [])

        following = asyncio.create_task(follow())
        await eventually(lambda: any(each.step == "build-artifact" for each in events) and platform.builder.started)
    async with served:
        platform.builder.finish("shop", "production-1", BUILT)
        async with client, asyncio.timeout(30):
            await following
    numbered = [(each.execution, each.seq) for each in events if each.seq]
    assert len(numbered) == len(set(numbered))
    assert (events[-1].name, events[-1].status) == ("execution.finished", "succeeded")
    assert {"go-live", "mark-ready"} <= {each.step for each in events if each.name == "step.succeeded"}


async def test_a_log_is_followed_across_a_restart_of_the_server(platform: MemoryPlatform):
    platform.builder.outcome = RUNNING
    repository, served, told = platform.repository(), Served(platform), list[str]()
    log = platform.builder.log("shop", "production-1")
    async with served as url:
        client = PlatformClient(url, platform.token)
        await client.create_project(ProjectRequest("shop", str(repository.path)))
        await eventually(lambda: platform.builder.started)
        (deployment,) = await client.deployments("shop")
        write(log, "one\n")

        async def follow() -> None:
            async for text in client.follow_log(deployment.id, "build"):
                told.extend([text])

        following = asyncio.create_task(follow())
        await eventually(lambda: told == ["one\n"])
    write(log, "two\n")
    async with served:
        await eventually(lambda: told == ["one\n", "two\n"])
        platform.builder.finish("shop", "production-1", BUILT)
        async with client, asyncio.timeout(30):
            await following
    assert told == ["one\n", "two\n"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


async def test_a_platform_that_stays_away_is_given_up(platform: MemoryPlatform):
    platform.builder.outcome = RUNNING
    repository, served = platform.repository(), Served(platform)
    async with served as url:
        client = PlatformClient(url, platform.token, patience=0.5)
        execution = await client.create_project(ProjectRequest("shop", str(repository.path)))
    async with client:
        with pytest.raises(UnreachableError, match="does not answer"):
            async for _ in client.follow_execution(execution):
                pass
        with pytest.raises(UnreachableError):
            await client.projects()


async def test_errors_are_the_platforms_own(platform: MemoryPlatform):
    async with Served(platform) as url, PlatformClient(url, platform.token) as client:
        with pytest.raises(PlatformError) as unknown:
            await client.project("nope")
        assert (unknown.value.reported, unknown.value.status) == ("cloud.projects.unknown", 404)
        assert "euryale projects list" in unknown.value.hint
        with pytest.raises(PlatformError) as invalid:
            await client.create_project(ProjectRequest("No"))
        assert invalid.value.details[0].startswith("name: use 2 to 30")
        with pytest.raises(PlatformError):
            async for _ in client.follow_execution("nope"):
                pass
    async with Served(platform) as url, PlatformClient(url, Secret("wrong")) as client:
        with pytest.raises(NotAuthorizedError):
            await client.whoami()
        with pytest.raises(NotAuthorizedError):
            async for _ in client.follow_execution("nope"):
                pass


async def test_another_program_is_not_taken_for_a_platform(tmp_path: Path):
    async def something_else(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>hello</html>"})

    async with serving(something_else) as url, PlatformClient(url, Secret("x")) as client:
        with pytest.raises(PlatformError, match="not a Euryale platform"):
            await client.whoami()
