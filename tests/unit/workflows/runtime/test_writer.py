"""The writer: what is written, and what is not, when its store is away."""

import asyncio

import pytest

from euryale.workflows import StoreError
from euryale.workflows.errors import UnwritableError
from euryale.workflows.record.entry import Commit, Entry, Release
from euryale.workflows.record.states import EntryKind
from euryale.workflows.runtime.patience import Patience
from euryale.workflows.runtime.writer import Writer


class BrieflyAway:
    """Fails the first two writes, which take until they are let go on, and does the others."""

    def __init__(self):
        self.failures, self.written = 0, []
        self.tried, self.go_on = asyncio.Event(), asyncio.Event()

    def write_at_once(self, _commits):
        return None

    async def write(self, commits):
        self.tried.set()
        if self.failures < 2:
            self.failures += 1
            await self.go_on.wait()
            raise StoreError("away")
        self.written.extend(commits)
        return frozenset()


def result(seq: int, execution: str = "e") -> Commit:
    return Commit(execution, 1, (Entry(seq, EntryKind.STEP_SUCCEEDED, 0.0, f"s{seq}"),))


async def test_what_came_later_is_not_written_without_what_was_given_up_at_the_close():
    store, patience = BrieflyAway(), Patience()
    writer = Writer(store, patience)
    first = writer.submit(result(1))
    await store.tried.wait()
    second = writer.submit(result(2))
    patience.end()
    store.go_on.set()
    await writer.drain()
    for each in (first, second):
        with pytest.raises(StoreError):
            each.result()
    assert store.written == [], "a journal with a gap"


async def test_what_came_later_is_written_after_what_was_tried_again():
    store = BrieflyAway()
    writer = Writer(store, Patience(first=0.0))
    first = writer.submit(result(1))
    await store.tried.wait()
    second = writer.submit(result(2))
    store.go_on.set()
    await asyncio.gather(first, second)
    assert store.written == [result(1), result(2)]


class Choosy:
    """Can never write the first result of the execution ``e``."""

    def __init__(self):
        self.written = []

    def write_at_once(self, _commits):
        return None

    async def write(self, commits):
        if result(1) in commits:
            raise UnwritableError("too long")
        self.written.extend(commits)
        return frozenset()


async def test_what_comes_behind_what_can_never_be_written_is_not_written_either():
    store = Choosy()
    writer = Writer(store, Patience())
    both = [writer.submit(result(1)), writer.submit(result(2))]
    await writer.submit(result(1, "other"))
    both.append(writer.submit(result(3)))
    for each in await asyncio.gather(*both, return_exceptions=True):
        assert isinstance(each, UnwritableError)
    release = Commit("e", 1, release=Release(None, 0, "its result is too long"))
    await writer.submit(release)
    assert store.written == [result(1, "other"), release], "it can still be let go of"
