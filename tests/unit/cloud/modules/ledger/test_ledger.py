from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.modules.ledger import LEDGER, Difference, Family, Ledger
from euryale.framework.testing import temporary_database


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with temporary_database(tmp_path, LEDGER) as database:
        yield Ledger(database)


async def test_what_is_written_down_stays_its_makers(ledger: Ledger) -> None:
    await ledger.intend(Family.BUILDER, "shop", project="shop", execution="e1")
    await ledger.intend(Family.BUILDER, "shop", project="shop", execution="e2")
    assert await ledger.made_by(Family.BUILDER, "shop", "e1")
    assert not await ledger.made_by(Family.BUILDER, "shop", "e2")
    assert await ledger.maker(Family.BUILDER, "shop") == "e1"
    assert await ledger.maker(Family.ROUTER, "shop") is None


async def test_what_was_left_behind_is_adopted(ledger: Ledger) -> None:
    await ledger.intend(Family.ROUTER, "app", project="shop", execution="e1", environment="gone")
    await ledger.adopt(Family.ROUTER, "app", project="shop", execution="e2::deploy", environment="env", root="e2")
    assert await ledger.maker(Family.ROUTER, "app") == "e2::deploy"
    assert [each.environment for each in await ledger.list()] == ["env"]
    await ledger.adopt(Family.BUILDER, "shop", project="shop", execution="e2")
    await ledger.adopt(Family.BUILDER, "shop", project="shop", execution="e2::deploy", root="e2")
    assert await ledger.maker(Family.BUILDER, "shop") == "e2", "what the outermost execution has made stays its own"


async def test_what_is_inside_goes_with_it(ledger: Ledger) -> None:
    for name in ("shop", "shop/a", "shop/b", "shop-2", "shop-2/a", "sho", "sh_p/a", "shXp/a"):
        await ledger.intend(Family.DATABASE, name, project="shop", execution="e1")
    await ledger.intend(Family.BUILDER, "shop/a", project="shop", execution="e1", environment="env")
    await ledger.forget(Family.DATABASE, "shop")
    await ledger.forget(Family.DATABASE, "sh_p")
    await ledger.forget(Family.DATABASE, "unknown")
    left = [(each.family, each.name) for each in await ledger.list(project="shop")]
    names = ["shXp/a", "sho", "shop-2", "shop-2/a"]
    assert left == [(Family.BUILDER, "shop/a"), *((Family.DATABASE, name) for name in names)]
    assert [each.name for each in await ledger.list(environment="env")] == ["shop/a"]


async def test_tells_in_what_it_differs_from_reality(ledger: Ledger) -> None:
    for name in ("a", "b"):
        await ledger.intend(Family.ROUTER, name, project="shop", execution="e1")
    assert await ledger.compare(Family.ROUTER, {"b", "c"}) == (
        Difference(Family.ROUTER, "c", "orphan"),
        Difference(Family.ROUTER, "a", "missing"),
    )
    assert await ledger.compare(Family.BUILDER, ()) == ()
