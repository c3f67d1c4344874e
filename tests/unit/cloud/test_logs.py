"""Logs: pieces, tails, what is kept, and following through rotation, truncation and deletion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from euryale.cloud.logs import LogBook, follow, read_piece, tail_offset
from euryale.cloud.providers.builder.memory import MemoryBuilder
from euryale.cloud.providers.runtime.memory import MemoryRuntime
from eventually import eventually


class Follower:
    """Follows a log in the background, until it is told that the log has ended."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.text = b""
        self.offsets: list[int] = []
        self.over = False
        self._path, self._offset = path, offset

    async def run(self) -> None:
        async def ended() -> bool:
            return self.over

        async for piece in follow(lambda: self._path, self._offset, ended=ended, look_every=0.005):
            self.text += piece.data
            self.offsets.append(piece.next)

    async def has(self, text: bytes) -> None:
        await eventually(lambda: self.text == text, within=5, every=0.005)


@asynccontextmanager
async def following(path: Path, offset: int = 0) -> AsyncIterator[Follower]:
    follower = Follower(path, offset)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
        follower.over = True
        async with asyncio.timeout(5):
            await task
    finally:
        task.cancel()


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def rotate(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


def begin_anew(path: Path, text: bytes) -> None:
    path.write_bytes(text)


def delete(path: Path) -> None:
    path.unlink()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


async def test_following_waits_for_the_file_and_gives_whole_lines(log: Path):
    async with following(log) as follower:
        append(log, b"one\ntw")
        await follower.has(b"one\n")
        append(log, b"o\n")
        await follower.has(b"one\ntwo\n")
    assert follower.offsets[-1] == 8


async def test_the_last_line_comes_at_the_end_even_without_a_break(log: Path):
    append(log, b"one\nrest")
    async with following(log) as follower:
        await follower.has(b"one\n")
    assert follower.text == b"one\nrest"
    assert follower.offsets == [4, 8]


async def test_following_begins_at_an_offset(log: Path):
    append(log, b"one\ntwo\n")
    async with following(log, 4) as follower:
        await follower.has(b"two\n")


async def test_an_offset_beyond_the_end_begins_anew(log: Path):
    append(log, b"one\n")
    async with following(log, 400) as follower:
        await follower.has(b"one\n")


async def test_a_rotated_log_is_read_to_its_end_and_then_from_its_beginning(log: Path):
    append(log, b"one\n")
    async with following(log) as follower:
        await follower.has(b"one\n")
        append(log, b"two\nhalf")
        rotate(log)
        append(log, b"three\n")
        await follower.has(b"one\ntwo\nhalfthree\n")
    assert follower.offsets[-1] == 6


async def test_a_truncated_log_is_read_from_its_beginning(log: Path):
    append(log, b"a long first line\n")
    async with following(log) as follower:
        await follower.has(b"a long first line\n")
        begin_anew(log, b"new\n")
        await follower.has(b"a long first line\nnew\n")


async def test_a_deleted_log_is_read_to_its_end(log: Path):
    append(log, b"one\n")
    async with following(log) as follower:
        await follower.has(b"one\n")
        append(log, b"two\n")
        delete(log)
    assert follower.text == b"one\ntwo\n"


async def test_a_log_that_never_comes_ends_when_told(log: Path):
    async with following(log) as follower:
        pass
    assert follower.text == b""


async def test_a_long_line_does_not_stop_the_log(log: Path):
    append(log, b"x" * 200_000)
    async with following(log) as follower:
        await eventually(lambda: len(follower.text) >= 3 * 65536, within=5)
    assert follower.text == b"x" * 200_000


def test_a_piece_is_what_stands_at_an_offset(log: Path):
    append(log, b"0123456789")
    assert read_piece(log, 2, 4).data == b"2345"
    assert read_piece(log, 2, 4).next == 6
    assert read_piece(log, 10, 4).data == b""
    assert read_piece(log, 11, 4).data == b"0123"
    assert read_piece(log.with_name("none"), 5, 4).next == 0


@pytest.mark.parametrize(
    ("text", "lines", "offset"),
    [
        (b"", 3, 0),
        (b"one\ntwo\nthree\n", 1, 8),
        (b"one\ntwo\nthree\n", 2, 4),
        (b"one\ntwo\nthree\n", 3, 0),
        (b"one\ntwo\nthree\n", 9, 0),
        (b"one\ntwo", 1, 4),
        (b"one\n\n", 1, 4),
    ],
)
def test_the_tail_begins_with_a_line(log: Path, text: bytes, lines: int, offset: int):
    append(log, text)
    assert tail_offset(log, lines) == offset


async def test_a_kept_log_takes_the_place_of_the_builders(tmp_path: Path):
    builder = MemoryBuilder(tmp_path / "builds")
    book = LogBook(tmp_path / "logs", builder, MemoryRuntime())
    own = builder.log("shop", "production-1")
    assert book.build_log("depl_1", "shop", "production-1") == own
    await book.keep("depl_1", own)
    assert book.build_log("depl_1", "shop", "production-1") == own, "no log, no copy"
    own.parent.mkdir(parents=True)
    own.write_text("built\n")
    await book.keep("depl_1", own)
    own.unlink()
    kept = book.build_log("depl_1", "shop", "production-1")
    assert kept.read_text() == "built\n"
    assert kept.is_relative_to(tmp_path / "logs")
    await book.forget("depl_1", "depl_2")
    assert book.build_log("depl_1", "shop", "production-1") == own
