"""Every store keeps the same promises."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import StoreError, StoreLockedError
from euryale.workflows.record.entry import Commit, Entry
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.stores.sqlite.pace import Pace
from euryale.workflows.testing import (
    QueueContract,
    ScheduleContract,
    SharedQueueContract,
    SharedStoreContract,
    StoreContract,
)
from euryale.workflows.testing.store_samples import create


def note(where: list[int]) -> bool:
    """Note the thread that commits; False lets it."""
    where.append(threading.get_ident())
    return False


OPEN_AND_TELL = """
import asyncio, sys
from euryale.workflows import StoreLockedError
from euryale.workflows.stores.sqlite import SQLiteStore

async def main():
    try:
        await SQLiteStore(sys.argv[1]).open()
    except StoreLockedError as error:
        print(error)

asyncio.run(main())
"""


class TestMemoryStore(StoreContract, ScheduleContract):
    @pytest.fixture
    def new_store(self):
        store = MemoryStore()
        return lambda: store


class TestSharedMemoryStore(SharedStoreContract, ScheduleContract):
    @pytest.fixture
    def new_store(self):
        store = MemoryStore(shared=True)
        return lambda: store


class TestMemoryQueues(QueueContract):
    @pytest.fixture
    def new_store(self):
        store = MemoryStore()
        return lambda: store


class TestSharedMemoryQueues(SharedQueueContract):
    @pytest.fixture
    def new_store(self):
        store = MemoryStore(shared=True)
        return lambda: store


class TestPostgresQueues(SharedQueueContract):
    @pytest.fixture
    def new_store(self, new_postgres_store):
        return new_postgres_store


class TestSQLiteQueues(QueueContract):
    @pytest.fixture
    async def new_store(self, tmp_path):
        store = SQLiteStore(tmp_path / "store.db", durability="process")
        yield lambda: store
        await store.close()


class TestPostgresStore(SharedStoreContract, ScheduleContract):
    @pytest.fixture
    def new_store(self, new_postgres_store):
        return new_postgres_store


class TestSQLiteStore(StoreContract, ScheduleContract):
    @pytest.fixture
    async def new_store(self, tmp_path):
        made = []

        def make():
            made.append(SQLiteStore(tmp_path / "folder" / "store.db", durability="process"))
            return made[-1]

        yield make
        for store in made:
            await store.close()

    async def test_a_second_process_is_told_who_holds_it(self, new_store, tmp_path):
        store = new_store()
        await store.open()
        path = tmp_path / "folder" / "store.db"
        found = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", OPEN_AND_TELL, str(path)], capture_output=True, text=True, check=True
        )
        assert f"is held by process {os.getpid()}." in found.stdout
        await store.close()
        after = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", OPEN_AND_TELL, str(path)], capture_output=True, text=True, check=True
        )
        assert after.stdout == ""

    async def test_a_second_store_in_the_same_process_is_refused_and_may_try_again(self, new_store):
        first, second = new_store(), new_store()
        await first.open()
        with pytest.raises(StoreLockedError, match=f"process {os.getpid()}"):
            await second.open()
        await first.close()
        await second.open()

    async def test_its_files_are_private(self, new_store, tmp_path):
        store = new_store()
        await store.open()
        await store.write([create("a")])
        modes = {each.name: oct(each.stat().st_mode & 0o777) for each in (tmp_path / "folder").iterdir()}
        assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm", "store.db.lock"), "0o600")

    @pytest.mark.parametrize(("durability", "level"), [("full", 2), ("process", 1)])
    async def test_durability_is_what_was_asked_for(self, tmp_path, durability, level):
        store = SQLiteStore(tmp_path / "store.db", durability=durability)
        await store.open()
        read = store._thread.run
        assert await read(lambda connection: connection.pragma("synchronous")) == level
        assert await read(lambda connection: connection.pragma("journal_mode")) == "wal"
        await store.close()

    async def test_a_full_disk_is_told_and_nothing_is_written(self, new_store):
        store = new_store()
        await store.open()
        await store.write([create("a")])
        pages = await store._thread.run(lambda connection: connection.pragma("page_count"))
        await store._thread.run(lambda connection: connection.pragma("max_page_count", pages))
        big = Entry(1, EntryKind.STEP_SUCCEEDED, 1.0, payload=bytes(100_000))
        with pytest.raises(StoreError, match="disk is full"):
            await store.write([Commit("a", 1, (big,))])
        assert (await store.load("a")).entries == ()
        await store._thread.run(lambda connection: connection.pragma("max_page_count", pages + 1000))
        assert await store.write([Commit("a", 1, (big,))]) == frozenset()

    async def test_what_is_small_is_written_on_the_spot_and_what_is_large_in_the_thread(self, new_store):
        store = new_store()
        await store.open()
        await store.write([create("a")])
        where: list[int] = []
        await store._thread.run(lambda connection: connection.set_commit_hook(lambda: note(where)))
        store._thread._pace = Pace(ManualClock())
        large = (Entry(17, EntryKind.STEP_SUCCEEDED, 1.0, payload=bytes(100_000)),)
        many = tuple(Entry(seq, EntryKind.EMITTED, 1.0) for seq in range(18, 40))
        for entries in (*((Entry(seq, EntryKind.EMITTED, 1.0),) for seq in range(1, 17)), large, many):
            assert await store.write([Commit("a", 1, entries)]) == frozenset()
        assert threading.get_ident() not in where
        assert await store.write([Commit("a", 1, (Entry(40, EntryKind.EMITTED, 1.0),))]) == frozenset()
        assert where[-1] == threading.get_ident()

    async def test_a_store_that_is_not_open_says_so(self, new_store):
        with pytest.raises(StoreError, match="not open"):
            await new_store().load("a")
