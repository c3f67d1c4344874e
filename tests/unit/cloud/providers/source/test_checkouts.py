from pathlib import Path

from euryale.cloud.providers.source.checkouts import Checkouts


async def test_nobody_else_can_enter(tmp_path: Path) -> None:
    Checkouts(tmp_path / "data" / "checkouts").path("shop").mkdir()
    assert (tmp_path / "data" / "checkouts").stat().st_mode & 0o777 == 0o700


async def test_what_a_killed_checkout_left_is_listed_and_removed(tmp_path: Path) -> None:
    checkouts = Checkouts(tmp_path / "checkouts")
    assert await checkouts.inventory() == frozenset()
    for left in ("shop", "blog"):
        checkouts.path(left).mkdir()
        checkouts.path(f".{left}.checkout").mkdir()
    assert await checkouts.inventory() == {"shop", "blog"}
    await checkouts.remove("shop")
    await checkouts.remove("shop")
    assert await checkouts.inventory() == {"blog"}
