"""What every database provider does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`DatabaseContract` for a member that only keeps books, :class:`ConnectedDatabaseContract` for one whose
URLs can be connected to, and give it a fixture ``database``: a provider without any project, cleared after each test.

Example::

    class TestMine(DatabaseContract):
        @pytest.fixture
        def database(self) -> Database:
            return MyDatabase()
"""

import asyncio
from abc import ABC, abstractmethod
from urllib.parse import urlsplit

from euryale.cloud.providers.database.contract import Branch, Database
from euryale.cloud.providers.errors import GoneError, PermanentError
from euryale.cloud.testing.expect import expect, expect_equal, expect_error
from euryale.kit.secret import Secret

_WRITES_BEFORE = 5


class DatabaseContract:
    """Names, adoption, deletion and inventory: true of every member."""

    async def test_refuses_names_that_are_none(self, database: Database) -> None:
        """Whatever could be read as a path, an option or another name is refused, and nothing is made."""
        for name in ("", "Shop", "a/b", "..", "a b", "a\n", "a_b", "ü", "x" * 64):
            await expect_error(PermanentError, database.create_project(name))
            await expect_error(PermanentError, database.create_branch(name, "main"))
            await expect_error(PermanentError, database.create_branch("shop", name))
            await expect_error(PermanentError, database.destroy_branch("shop", name))
        expect_equal(await database.inventory(), frozenset())

    async def test_adopts_a_project_that_exists(self, database: Database) -> None:
        """Making a project twice is making it once."""
        await database.create_project("shop")
        await database.create_project("shop")
        expect_equal(await database.inventory(), frozenset({"shop"}))

    async def test_makes_a_missing_project_and_hands_out_a_whole_url(self, database: Database) -> None:
        """A branch does not ask for its project first; its URL has all that a client needs, and is not printed."""
        longest = "x" * 63
        branch = await database.create_branch(longest, "1-main")
        expect_equal((branch.project, branch.name), (longest, "1-main"))
        expect_equal(await database.inventory(), frozenset({longest, f"{longest}/1-main"}))
        url = urlsplit(branch.url.reveal())
        expect_equal(url.scheme, "postgresql")
        expect(all((url.username, url.password, url.hostname, url.port, url.path.strip("/"))), "the URL lacks a part")
        expect(str(url.password) not in repr(branch), "the password is printed")

    async def test_adopts_a_branch_that_exists(self, database: Database) -> None:
        """After an unknown outcome the same call gives the same branch, and the project keeps what it has."""
        await database.create_branch("shop", "main")
        first = await database.create_branch("shop", "preview", base="main")
        await database.create_project("shop")
        expect_equal(await database.create_branch("shop", "preview", base="main"), first)
        expect_equal(await database.connect("shop", "preview"), first)

    async def test_makes_one_branch_when_asked_twice_at_once(self, database: Database) -> None:
        """Two requests for one branch meet."""
        one, two = await asyncio.gather(database.create_branch("shop", "main"), database.create_branch("shop", "main"))
        expect_equal(one, two)

    async def test_makes_different_branches_at_once(self, database: Database) -> None:
        """Branches that are made at once do not share anything."""
        names = ("main", "other")
        branches = await asyncio.gather(*(database.create_branch("shop", name) for name in names))
        expect_equal(len({branch.url for branch in branches}), len(names))

    async def test_says_that_a_base_is_gone(self, database: Database) -> None:
        """A missing base is no empty branch, not even when it is the branch itself."""
        await database.create_project("shop")
        await expect_error(GoneError, database.create_branch("shop", "preview", base="main"))
        await expect_error(GoneError, database.create_branch("shop", "preview", base="preview"))
        expect_equal(await database.inventory(), frozenset({"shop"}))

    async def test_suspends_as_often_as_asked(self, database: Database) -> None:
        """Suspending the suspended, or what is gone, is done; connecting ends it."""
        branch = await database.create_branch("shop", "main")
        await database.suspend("shop", "main")
        await database.suspend("shop", "main")
        expect_equal(await database.inventory(), frozenset({"shop", "shop/main"}))
        expect_equal((await database.connect("shop", "main")).name, branch.name)
        await database.suspend("shop", "gone")
        await database.suspend("gone", "main")

    async def test_destroys_a_branch_and_no_other(self, database: Database) -> None:
        """A copy stays when its base goes; what is gone cannot be connected to, and destroying it again is done."""
        await expect_error(GoneError, database.connect("shop", "main"))
        await database.create_branch("shop", "main")
        copy = await database.create_branch("shop", "preview", base="main")
        await database.destroy_branch("shop", "main")
        await database.destroy_branch("shop", "main")
        await database.destroy_branch("gone", "main")
        await expect_error(GoneError, database.connect("shop", "main"))
        expect_equal(await database.inventory(), frozenset({"shop", "shop/preview"}))
        expect_equal(await database.connect("shop", "preview"), copy)

    async def test_destroys_a_project_with_all_that_is_in_it(self, database: Database) -> None:
        """Running or suspended, every branch goes, and no other project; the names are free again."""
        await database.create_project("other")
        first = await database.create_branch("shop", "main")
        await database.create_branch("shop", "asleep")
        await database.suspend("shop", "asleep")
        await database.destroy_project("shop")
        await database.destroy_project("shop")
        expect_equal(await database.inventory(), frozenset({"other"}))
        expect(await database.create_branch("shop", "main") != first, "the old branch came back")


class ConnectedDatabaseContract(DatabaseContract, ABC):
    """What shows only on a connection. The suite brings no driver: the subclass gives :meth:`query`."""

    @abstractmethod
    async def query(self, url: Secret, statement: str) -> object:
        """Run one statement on a connection of its own and return the first column of the first row.

        Raises:
            OSError: If nobody listens there.
        """

    async def test_starts_empty_and_belongs_to_its_role(self, database: Database) -> None:
        """The role may make what an application makes, and finds nothing there before."""
        url = (await database.create_branch("shop", "main")).url
        await self.query(url, "CREATE SCHEMA app CREATE TABLE app.note (text text)")
        await self._make_notes(url)
        expect_equal(await self._notes(url), 1)

    async def test_copies_data_and_parts_ways(self, database: Database) -> None:
        """The copy holds what its base held; afterwards neither sees what the other writes."""
        base = (await database.create_branch("shop", "main")).url
        await self._make_notes(base)
        copy = (await database.create_branch("shop", "preview", base="main")).url
        expect_equal(await self._notes(copy), 1)
        await self.query(copy, "INSERT INTO note SELECT 'copy' FROM generate_series(1, 10)")
        await self.query(base, "INSERT INTO note SELECT 'base' FROM generate_series(1, 100)")
        expect_equal((await self._notes(base), await self._notes(copy)), (101, 11))

    async def test_copies_a_base_that_keeps_serving(self, database: Database) -> None:
        """Writes go on during a copy, and none that was committed before it is missing."""
        base = await database.create_branch("shop", "main")
        await self._make_notes(base.url)
        for _ in range(_WRITES_BEFORE):
            await self._write(base)
        before = await self._notes(base.url)
        copying = asyncio.ensure_future(database.create_branch("shop", "preview", base="main"))
        written = 0
        while not copying.done():
            await self._write(base)
            written += 1
        copied = await self._notes((await copying).url)
        expect(written > _WRITES_BEFORE, f"only {written} writes during the copy")
        expect(before <= copied <= before + written, f"{copied} rows copied of {before} and up to {written} more")
        expect_equal(await self._notes(base.url), before + written)

    async def test_keeps_and_copies_data_of_the_suspended(self, database: Database) -> None:
        """Nobody listens meanwhile; a copy can be made, and afterwards everything is there."""
        main = await database.create_branch("shop", "main")
        await self._make_notes(main.url)
        await database.suspend("shop", "main")
        await expect_error(OSError, self._notes(main.url))
        copy = await database.create_branch("shop", "preview", base="main")
        expect_equal(await self._notes(copy.url), 1)
        expect_equal(await self._notes((await database.connect("shop", "main")).url), 1)

    async def test_nobody_listens_after_destruction(self, database: Database) -> None:
        """A destroyed branch cannot be reached, not even by who is connected."""
        branch = await database.create_branch("shop", "main")
        sleeper = asyncio.ensure_future(self.query(branch.url, "SELECT pg_sleep(60)"))
        await self._until_sleeping(branch.url)
        await database.destroy_branch("shop", "main")
        expect((await asyncio.gather(sleeper, return_exceptions=True))[0] is not None, "the session survived")
        await expect_error(OSError, self._notes(branch.url))

    async def _make_notes(self, url: Secret) -> None:
        await self.query(url, "CREATE TABLE note AS SELECT 'first' AS text")

    async def _write(self, branch: Branch) -> None:
        await self.query(branch.url, "INSERT INTO note VALUES ('more')")

    async def _notes(self, url: Secret) -> int:
        return int(str(await self.query(url, "SELECT count(*) FROM note")))

    async def _until_sleeping(self, url: Secret) -> None:
        async with asyncio.timeout(10):
            while not await self.query(url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
                pass  # each question is a round trip to the server
