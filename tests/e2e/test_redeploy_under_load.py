"""No request is lost while production is redeployed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.site import Site
from demo.stories import ShopStory, rewrite_message
from platform_process import PlatformProcess, commit, repository_of
from request_stream import RequestStream

EXAMPLES = Path(__file__).parents[2] / "examples"
REDEPLOYMENTS = 5


@pytest.mark.slow
async def test_five_redeployments_lose_no_request(platform: PlatformProcess, tmp_path: Path) -> None:
    repository = repository_of(EXAMPLES / "hello", tmp_path / "hello")
    await platform.start()
    created = await platform.ended(await platform.create("hello", str(repository), key="create"))
    assert created["status"] == "succeeded", (created, platform.tail())
    stream = RequestStream("127.0.0.1", platform.http_port, "production.hello.localhost", "/health", rate=300)
    async with running(stream):
        await redeploy(platform, "hello", lambda number: commit(repository, f"change {number}"))
    assert stream.failed == []
    assert stream.answered > 1000


@pytest.mark.long
async def test_five_redeployments_of_a_shop_lose_no_request(platform: PlatformProcess, tmp_path: Path) -> None:
    story, repository = ShopStory(), repository_of(EXAMPLES / "medusa-shop", tmp_path / "shop")

    def change(number: int) -> str:
        rewrite_message(repository, story, f"Change {number}")
        return commit(repository, f"change {number}")

    await platform.start()
    variables = [{"name": name, "value": value} for name, value in story.variables().items()]
    execution = await platform.create("shop", str(repository), key="create", variables=variables)
    created = await platform.ended(execution, within=900)
    assert created["status"] == "succeeded", (created, platform.tail())
    site = Site(f"http://production.shop.localhost:{platform.http_port}")
    place = ("127.0.0.1", platform.http_port, "production.shop.localhost")
    health = RequestStream(*place, "/health", rate=295, connections=150)
    customer = await asyncio.to_thread(story._customer, site)
    store = RequestStream(*place, "/store/products?limit=10", rate=5, connections=5, headers=customer)
    async with running(health, store):
        await redeploy(platform, "shop", change)
    print(f"\n{health}\n{store}")  # noqa: T201 -- the figures are worth as much as the outcome
    assert (health.failed, store.failed) == ([], [])
    assert health.rate + store.rate > 270
    assert await asyncio.to_thread(story.message, site) == f"Change {REDEPLOYMENTS - 1}"
    site.close()


@asynccontextmanager
async def running(*streams: RequestStream) -> AsyncIterator[None]:
    """Let streams of requests run until the block is left."""
    sending = asyncio.gather(*(stream.run() for stream in streams))
    try:
        yield
    finally:
        for stream in streams:
            stream.stop()
        await sending


async def redeploy(platform: PlatformProcess, project: str, change: Callable[[int], str]) -> None:
    """Deploy one change after the other to production."""
    for number in range(REDEPLOYMENTS):
        answer = await platform.ask("POST", f"/projects/{project}/deployments", json={"ref": change(number)})
        found = await platform.ended(answer["execution"], within=900)
        assert found["status"] == "succeeded", (found, platform.tail())
