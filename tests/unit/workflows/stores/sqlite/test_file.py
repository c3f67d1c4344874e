"""Whatever is in the place of the file: what it is, and what to do about it, is told; nothing of it is changed."""

import contextlib
import os
import tempfile
from pathlib import Path

import apsw
import pytest

from euryale.workflows import Engine, StoreError, UnusableStoreError, UnwritableError
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.stores.sqlite.statements import SQL
from euryale.workflows.testing.store_samples import create

NOBODY = 65534
KNOWN = len(SQL.migrations)


async def make_store(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await store.write([create("a")])
    await store.close()


def make_database(path: Path, statements: str) -> None:
    path.unlink(missing_ok=True)
    execute(path, statements)


def execute(path: Path, statements: str) -> None:
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(statements)


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


def overwrite(path: Path, begin: int, size: int) -> None:
    data = bytearray(path.read_bytes())
    data[begin : begin + size] = b"\xa5" * size
    path.write_bytes(data)


def no_database(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def too_short(path: Path) -> None:
    path.write_text("hello", "utf-8")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def damaged(path: Path) -> None:
    overwrite(path, 100, 3000)


def cut_off(path: Path) -> None:
    os.truncate(path, 5000)


def foreign(path: Path) -> None:
    make_database(path, "CREATE TABLE customers (id)")


def foreign_of_the_same_version(path: Path) -> None:
    make_database(path, f"CREATE TABLE customers (id); PRAGMA user_version = {KNOWN}")


def foreign_with_the_same_names(path: Path) -> None:
    make_database(path, "CREATE TABLE executions (id); CREATE TABLE entries (id)")


def foreign_without_tables(path: Path) -> None:
    make_database(path, "PRAGMA user_version = 1")


def of_a_later_version(path: Path) -> None:
    execute(path, f"PRAGMA user_version = {KNOWN + 1}")


def of_an_earlier_version(path: Path) -> None:
    make_database(path, f"{SQL.migrations[0]}; PRAGMA user_version = 1")


CASES = [
    (no_database, "is not a database: it is something else, or damaged", "file of its own"),
    (too_short, "is not a database", "restore it from a backup"),
    (folder, "is a folder", "store.db/executions.db"),
    (damaged, "is damaged: database disk image is malformed", "Restore it"),
    (cut_off, "is damaged: database disk image is malformed", "Restore it"),
    (foreign, "is a database of something else", "file of its own"),
    (foreign_of_the_same_version, "is a database of something else", "file of its own"),
    (foreign_with_the_same_names, "is a database of something else", "file of its own"),
    (foreign_without_tables, "is a database of something else", "file of its own"),
    (of_a_later_version, rf"later version of Euryale \(schema {KNOWN + 1}, known are {KNOWN}\)", "Use that version"),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.mark.parametrize(("make", "message", "hint"), CASES, ids=[make.__name__ for make, _, _ in CASES])
async def test_what_is_no_store_is_refused_and_left_as_it_is(path, make, message, hint):
    await make_store(path)
    make(path)
    before = path.is_file() and path.read_bytes()
    for _ in range(2):  # twice: the lock is free again
        with pytest.raises(UnusableStoreError, match=message) as raised:
            await Engine(SQLiteStore(path)).open()
        assert raised.value.message.startswith(str(path))
        assert hint in raised.value.hint
    with pytest.raises(UnusableStoreError, match=message):
        await SQLiteStore(path).reader().open()
    assert (path.is_file() and path.read_bytes()) == before


async def test_an_empty_file_becomes_a_store_but_is_nothing_to_look_at(path):
    path.touch()
    with pytest.raises(StoreError, match=r"is empty: it is no store yet\. It is made when an engine opens it first"):
        await SQLiteStore(path).reader().open()
    await make_store(path)
    reader = SQLiteStore(path).reader()
    await reader.open()
    assert await reader.load("a") is not None
    await reader.close()


async def test_a_store_of_an_earlier_version_is_migrated_by_an_engine_not_by_who_only_looks(path):
    of_an_earlier_version(path)
    with pytest.raises(UnusableStoreError, match=rf"earlier version of Euryale \(schema 1, known is {KNOWN}\)"):
        await SQLiteStore(path).reader().open()
    await make_store(path)
    reader = SQLiteStore(path).reader()
    await reader.open()
    await reader.close()


async def test_a_folder_that_is_none_is_named(tmp_path):
    (tmp_path / "folder").touch()
    path = tmp_path / "folder" / "store.db"
    with pytest.raises(UnusableStoreError, match=f"cannot be made: {tmp_path / 'folder'} is no folder"):
        await SQLiteStore(path).open()
    with pytest.raises(StoreError, match="There is no store"):
        await SQLiteStore(path).reader().open()


async def test_a_folder_that_cannot_be_made_is_told():
    path = Path("/proc/no-such-folder/store.db")
    with pytest.raises(StoreError, match=rf"{path} cannot be used: .*No such file") as raised:
        await SQLiteStore(path).open()
    assert raised.value.hint == "Check the path, and the disk that it is on."


async def test_a_file_that_the_user_may_not_touch_is_refused():
    with tempfile.TemporaryDirectory() as name, an_ordinary_user(Path(name)):
        path = Path(name) / "store.db"
        await make_store(path)
        allow(path, 0)
        for open_it in SQLiteStore(path).open, SQLiteStore(path).reader().open:
            with pytest.raises(UnusableStoreError, match=rf"{path} cannot be used: .*\. Let the user of this process"):
                await open_it()
        allow(Path(name), 0)
        for open_it in SQLiteStore(path).open, SQLiteStore(path).reader().open:
            with pytest.raises(UnusableStoreError, match=rf"{path} cannot be used: Permission denied"):
                await open_it()
        allow(Path(name), 0o700)


@contextlib.contextmanager
def an_ordinary_user(folder: Path):
    """Be somebody who owns the folder and has no more rights than others; root may touch everything."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_damage_that_shows_later_says_what_to_do_and_is_not_waited_for(path):
    await make_store(path)
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        size = connection.pragma("page_size")
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'executions'").get
    overwrite(path, (page - 1) * size, size)
    store = SQLiteStore(path)
    await store.open()
    with pytest.raises(UnwritableError, match=f"{path} is damaged: .* Restore it from a backup"):
        await store.write([create("b")])
    await store.close()
