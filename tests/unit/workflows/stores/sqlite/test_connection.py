import asyncio
import threading

import apsw
import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import StoreError
from euryale.workflows.stores.sqlite.connection import WriterThread
from euryale.workflows.stores.sqlite.statements import SQL

ENOUGH = 16


def where(_: apsw.Connection) -> int:
    return threading.get_ident()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def thread(tmp_path, clock):
    thread = WriterThread(tmp_path / "store.db", "process", clock)
    await thread.open(SQL.migrations)
    yield thread
    await thread.close()


@pytest.fixture
def here():
    return threading.get_ident()


async def be_quick(thread) -> set[int]:
    return {await thread.run_short(where) for _ in range(ENOUGH)}


async def test_what_is_short_is_done_on_the_spot_once_the_disk_was_quick_for_a_while(thread, here):
    assert here not in await be_quick(thread)
    assert await thread.run_short(where) == here
    assert await thread.run(where) != here, "what may take its time never is"


async def test_one_slow_commit_is_followed_by_several_in_the_thread(thread, here, clock):
    await be_quick(thread)
    await thread.run_short(lambda _: clock.advance(0.002))
    assert here not in await be_quick(thread)
    assert await thread.run_short(where) == here


async def test_nothing_is_done_on_the_spot_while_the_thread_works_although_a_caller_behind_was_cancelled(thread, here):
    await be_quick(thread)
    begun, go_on = threading.Event(), threading.Event()

    def work(_: apsw.Connection) -> None:
        begun.set()
        go_on.wait(10)

    working = asyncio.create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await thread.run(where)
    assert not thread.is_quick
    go_on.set()
    await working
    assert await thread.run(where) != here
    assert thread.is_quick


async def test_what_is_short_waits_for_what_the_thread_is_at(thread, here):
    await be_quick(thread)
    begun, go_on = threading.Event(), threading.Event()
    done = []

    def work(_: apsw.Connection) -> None:
        begun.set()
        go_on.wait()
        done.append("long")

    def finish(_: apsw.Connection) -> int:
        done.append("short")
        return threading.get_ident()

    long = asyncio.create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    asyncio.get_running_loop().call_soon(go_on.set)
    assert await thread.run_short(finish) != here
    await long
    assert done == ["long", "short"]


async def test_a_file_that_another_process_writes_to_does_not_hold_up_the_loop(thread, here, tmp_path):
    await be_quick(thread)
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await thread.run_short(lambda connection: connection.execute("BEGIN IMMEDIATE"))
    other.execute("ROLLBACK")
    other.close()
    assert await thread.run_short(where) != here, "the thread tries next: it can wait"


async def test_a_long_log_is_written_into_the_file_after_the_commit(thread, here, tmp_path):
    await be_quick(thread)
    await thread.run(lambda connection: connection.execute("CREATE TABLE big (value BLOB)"))

    def fill(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO big VALUES (zeroblob(8000000))")
        return threading.get_ident()

    before = (tmp_path / "store.db").stat().st_size
    assert await thread.run_short(fill) == here
    await thread.run(where)
    assert (tmp_path / "store.db").stat().st_size > before + 8_000_000
