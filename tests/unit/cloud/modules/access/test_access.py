import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.modules.access import ACCESS, Access, Role
from euryale.framework.data import Database
from euryale.framework.testing import temporary_database
from euryale.kit.errors import UnauthorizedError
from euryale.kit.secret import Secret


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with temporary_database(tmp_path, ACCESS) as database:
        yield database


async def test_a_token_lets_its_holder_in(database: Database, tmp_path: Path) -> None:
    access = Access(database)
    issued = await access.issue("ci", Role.MEMBER)
    principal = await access.authenticate(issued.value)
    assert (principal.id, principal.name, principal.roles) == (issued.token.id, "ci", {"member"})
    await access.authenticate(issued.value)
    content = await asyncio.to_thread((tmp_path / "temporary.sqlite3").read_bytes)
    assert b"ci" in content
    assert issued.value.reveal().encode() not in content, "only its hash is kept"


async def test_any_other_is_refused(database: Database) -> None:
    access = Access(database)
    await access.issue("ci", Role.MEMBER)
    for value in ("", "eury_", "ci"):
        with pytest.raises(UnauthorizedError):
            await access.authenticate(Secret(value))


async def test_a_given_value_is_the_same_token_again(database: Database) -> None:
    access = Access(database)
    first = await access.issue("owner", Role.OWNER, Secret("eury_given"))
    again = await access.issue("owner", Role.OWNER, Secret("eury_given"))
    assert first.token.id == again.token.id
    assert (await access.authenticate(Secret("eury_given"))).roles == {"owner"}
