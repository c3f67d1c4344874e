"""The platform is killed in the middle of a real Medusa build: the build goes on, and so does the creation."""

from pathlib import Path

import pytest

from eventually import eventually
from platform_process import PlatformProcess, repository_of

SHOP = Path(__file__).parents[2] / "examples" / "medusa-shop"


@pytest.mark.slow
async def test_the_build_goes_on_and_the_shop_is_served(platform: PlatformProcess, tmp_path: Path) -> None:
    repository = repository_of(SHOP, tmp_path / "shop")
    await platform.start()
    execution = await platform.create("shop", str(repository), key="shop")
    log = platform.data / "builds" / "pipelines" / "shop" / "builds" / "production-1" / "log"
    await eventually(lambda: log.exists() and "==> build: npm run build" in log.read_text(), within=300, every=0.2)
    platform.kill()
    written = log.stat().st_size
    await eventually(lambda: log.stat().st_size > written, within=120, every=0.2)
    await platform.start()
    found = await platform.ended(execution, within=300)
    assert found["status"] == "succeeded", (found, platform.tail())
    assert log.read_text().count("==> install:") == 1, "the build was begun anew"
    assert (await platform.get("production", "shop", "/health")).status_code == 200
    assert (await platform.get("production", "shop", "/greeting")).json()["message"]
    deleted = await platform.ask("DELETE", "/projects/shop")
    assert (await platform.ended(deleted["execution"]))["status"] == "succeeded"
    assert await platform.audit() == []
