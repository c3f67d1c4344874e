"""No request is lost while production is redeployed."""

import asyncio
from pathlib import Path

import pytest

from platform_process import PlatformProcess, commit, repository_of
from request_stream import RequestStream

HELLO = Path(__file__).parents[2] / "examples" / "hello"


@pytest.mark.slow
async def test_five_redeployments_lose_no_request(platform: PlatformProcess, tmp_path: Path) -> None:
    repository = repository_of(HELLO, tmp_path / "hello")
    await platform.start()
    created = await platform.ended(await platform.create("hello", str(repository), key="create"))
    assert created["status"] == "succeeded", (created, platform.tail())
    stream = RequestStream("127.0.0.1", platform.http_port, "production.hello.localhost", "/health", rate=300)
    sending = asyncio.create_task(stream.run())
    for number in range(5):
        sha = commit(repository, f"change {number}")
        answer = await platform.ask("POST", "/projects/hello/deployments", json={"ref": sha})
        found = await platform.ended(answer["execution"])
        assert found["status"] == "succeeded", (found, platform.tail())
    stream.stop()
    await sending
    assert stream.failed == []
    assert stream.answered > 1000
