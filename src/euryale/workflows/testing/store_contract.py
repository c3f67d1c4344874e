"""What every store keeps: a behavioural suite that a store's own tests subclass."""

import asyncio

from msgspec.structs import replace

from euryale.workflows.record.entry import Commit, Entry, Message, Release, StatusChange
from euryale.workflows.record.states import EntryKind, Reason, Status
from euryale.workflows.requests import ExecutionQuery, Told
from euryale.workflows.testing.claim_contract import ClaimContract
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.listing_contract import ListingContract
from euryale.workflows.testing.store_samples import (
    NONE_REFUSED,
    REFUSED_FIRST,
    StoreFactory,
    claim,
    create,
    entry,
    event,
    opened,
    row,
)


class StoreContract(ClaimContract, ListingContract):
    """Subclass it as ``Test...`` with a fixture ``new_store``.

    The fixture gives a function that returns a store, not yet open, over the same data at each call; the data is empty
    at first. It closes them at the end.

    Example:
        >>> class TestMyStore(StoreContract):
        ...     @pytest.fixture
        ...     def new_store(self, tmp_path):
        ...         return lambda: MyStore(tmp_path / "store")
    """

    async def test_no_success_is_written_over_a_cancellation(self, new_store: StoreFactory) -> None:
        """Of which its worker has not heard; nothing of that commit is written, and the others with it are."""
        store = await opened(new_store)
        await store.write([create("a"), create("b"), create("c")])
        await store.post(Message("b", "signal", "s", b"1", 2.0))
        await store.post(Message("b", "cancel", "", b"null", 3.0))
        await store.post(Message("c", "signal", "s", b"1", 2.0))
        entries = (entry(1), entry(2, kind=EntryKind.FINISHED, step=""))
        ends = [_success(each, entries) for each in ("a", "b", "c")]
        expect(await store.write(ends), frozenset({1}))
        expect(await store.write([replace(ends[1], heard=1)]), frozenset({0}))
        journals = [await store.load(each) for each in ("a", "b", "c")]
        expect([each.row.status.value for each in journals if each], ["succeeded", "running", "succeeded"])
        expect([len(each.entries) for each in journals if each], [2, 0, 2])
        expect(await store.write(ends[:1]), frozenset())
        turned = StatusChange(Status.COMPENSATING, Reason.CANCELLED)
        expect(await store.write([Commit("b", 1, entries[:1], turned)]), frozenset())

    async def test_a_success_or_a_cancellation_comes_first(self, new_store: StoreFactory) -> None:
        """However close they come: one of them is refused."""
        store = await opened(new_store)
        for number in range(20):
            await store.write([create(f"e{number}")])
            ended, told = await asyncio.gather(
                store.write([_success(f"e{number}", (entry(1),))]),
                store.post(Message(f"e{number}", "cancel", "", b"null", 2.0)),
            )
            journal = await store.load(f"e{number}")
            succeeded = journal is not None and journal.row.status is Status.SUCCEEDED
            expect((ended == frozenset(), told is not None and told.number == 0), (succeeded, succeeded))

    async def test_what_is_written_is_loaded(self, new_store: StoreFactory) -> None:
        """All fields of rows, entries and messages come back as they were."""
        store = await opened(new_store)
        first = row("a", parent_id="p", parent_step="s", root_id="p", retention=60.0)
        full = entry(1, started=999.5, due=1010.25, payload=b'"x"', undo=b"\x00\xff", message=7, worker="host:7:w2")
        expect(await store.write([Commit("a", 1, (full, entry(2)), create=(first,))]), NONE_REFUSED)
        message = Message("a", "complete", "s9", b"1", 1003.0, failed=True, key="k", number=1)
        expect(await store.post(message), Told(1, Status.RUNNING, "w1"))
        journal = await store.load("a")
        if journal is None:
            raise AssertionError("it is not there")
        expect(journal.row, replace(first, messages=1))
        expect(journal.entries, (full, entry(2)))
        expect(journal.messages, (message,))
        expect((journal.row.status, journal.entries[0].kind), (Status.RUNNING, EntryKind.STEP_SUCCEEDED))
        expect((type(journal.row.status), type(journal.entries[0].kind)), (Status, EntryKind))

    async def test_a_reader_reads_while_the_store_is_written(self, new_store: StoreFactory) -> None:
        """A reader sees what is durable, and the store goes on being its owner's."""
        store = await opened(new_store)
        expect(await store.write([create("a"), create("b", created_at=1001.0)]), NONE_REFUSED)
        reader = store.reader()
        await reader.open()
        try:
            expect([each.id for each in await reader.list(ExecutionQuery())], ["b", "a"])
            expect(await store.write([Commit("a", 1, (entry(1),))]), NONE_REFUSED)
            journal = await reader.load("a")
            expect(journal and journal.entries, (entry(1),))
            expect(await reader.load("nobody"), None)
        finally:
            await reader.close()
        expect(await store.write([Commit("a", 1, (entry(2),))]), NONE_REFUSED)

    async def test_nothing_is_loaded_of_what_is_unknown(self, new_store: StoreFactory) -> None:
        """An unknown execution is None, not an error."""
        store = await opened(new_store)
        expect(await store.load("nobody"), None)
        expect(await store.reclaim("nobody", "w2"), None)

    async def test_many_journals_are_loaded_at_once(self, new_store: StoreFactory) -> None:
        """Each with its own entries and messages; what is unknown is left out."""
        store = await opened(new_store)
        await store.write([create("a"), create("b"), create("c"), Commit("a", 1, (entry(1), entry(2)))])
        await store.write([Commit("b", 1, (entry(1),))])
        await store.post(Message("b", "cancel", "", b"null", 1.0))
        journals = {each.row.id: each for each in await store.load_all(["b", "nobody", "a"])}
        expect(journals, {each: await store.load(each) for each in ("a", "b")})
        expect([len(journals[each].entries) for each in ("a", "b")], [2, 1])
        expect(await store.load_all([]), ())

    async def test_entries_are_appended_in_order(self, new_store: StoreFactory) -> None:
        """Commits of one batch and of later ones add up."""
        store = await opened(new_store)
        await store.write([create("a"), Commit("a", 1, (entry(1),)), Commit("a", 1, (entry(2), entry(3)))])
        await store.write([Commit("a", 1, (entry(4),))])
        journal = await store.load("a")
        expect([each.seq for each in journal.entries] if journal else None, [1, 2, 3, 4])

    async def test_a_status_changes_with_all_that_comes_with_it(self, new_store: StoreFactory) -> None:
        """The change replaces status, reason, output, error and end."""
        store = await opened(new_store)
        change = StatusChange(Status.REVERTED, Reason.TIMEOUT, b"1", b"2", 1234.5)
        await store.write([create("a"), Commit("a", 1, change=change)])
        journal = await store.load("a")
        changed = {"status": Status.REVERTED, "reason": Reason.TIMEOUT, "output": b"1", "error": b"2"}
        expect(journal.row if journal else None, row("a", **changed, finished_at=1234.5, owner=""))

    async def test_an_execution_is_created_once(self, new_store: StoreFactory) -> None:
        """A second creation with another row is refused, in the same batch too; only that position is named."""
        store = await opened(new_store)
        second = create("a", input=b"2")
        expect(await store.write([create("a"), second, create("b")]), frozenset({1}))
        expect(await store.write([second]), REFUSED_FIRST)
        journal = await store.load("a")
        expect(journal.row.input if journal else None, row("a").input)

    async def test_a_commit_is_refused_whole(self, new_store: StoreFactory) -> None:
        """Of a refused commit nothing is written: no entry, no other creation, no event, no change."""
        store = await opened(new_store)
        await store.write([create("a"), create("taken", input=b"1")])
        refused = Commit(
            "a",
            1,
            (entry(1),),
            StatusChange(Status.WAITING),
            (row("fresh"), row("taken", input=b"2")),
            (event("e", "a"),),
            "release",
        )
        expect(await store.write([refused]), REFUSED_FIRST)
        journal = await store.load("a")
        expect((journal.row, journal.entries) if journal else None, (row("a"), ()))
        expect(await store.load("fresh"), None)
        expect(await store.released(10), ())

    async def test_a_commit_may_be_repeated(self, new_store: StoreFactory) -> None:
        """After an error that leaves open whether it was written, the same commit again changes nothing."""
        store = await opened(new_store)
        child = row("a::c", root_id="a", parent_id="a")
        commits = [create("a"), Commit("a", 1, (entry(1),), StatusChange(Status.WAITING), (child,), (event("e", "a"),))]
        for _ in range(2):
            expect(await store.write(commits[:1]), NONE_REFUSED)
        for _ in range(2):
            expect(await store.write(commits[1:]), NONE_REFUSED)
        journal = await store.load("a")
        expect(journal.entries if journal else None, (entry(1),))
        await store.write([Commit("a", 1, events="release")])
        expect(len(await store.released(10)), 1)
        expect(await store.write(commits[:1]), REFUSED_FIRST)

    async def test_what_is_written_alone_adds_up(self, new_store: StoreFactory) -> None:
        """A creation, entries and an end, each in a call of its own, and each repeated, as after a lost answer."""
        store = await opened(new_store)
        end = StatusChange(Status.SUCCEEDED, output=b"1", finished_at=1009.0, partial=True)
        staged = Commit("a", 1, (entry(2),), stage=(event("e", "a"),))
        last = Commit("a", 1, (entry(3), entry(4)), end, events="release")
        for commit in (create("a"), create("b"), Commit("a", 1, (entry(1),)), staged, last):
            for _ in range(2):
                expect(await store.write([commit]), NONE_REFUSED)
        journal = await store.load("a")
        expect(journal.entries if journal else None, (entry(1), entry(2), entry(3), entry(4)))
        ended = {"status": Status.SUCCEEDED, "output": b"1", "finished_at": 1009.0, "partial": True, "owner": ""}
        expect(journal.row if journal else None, row("a", **ended))
        expect(await store.released(10), (event("e", "a"),))
        other = await store.load("b")
        expect((other.row, other.entries) if other else None, (row("b"), ()))

    async def test_what_is_written_alone_is_refused_whole(self, new_store: StoreFactory) -> None:
        """Under another epoch, and for what does not exist, or exists in another way."""
        store = await opened(new_store)
        await store.write([Commit("a", 1, create=(row("a"),), stage=(event("e", "a"),))])
        end = StatusChange(Status.SUCCEEDED, output=b"1", finished_at=1009.0)
        for execution_id, epoch in (("a", 2), ("nobody", 1)):
            expect(await store.write([Commit(execution_id, epoch, (entry(1),))]), REFUSED_FIRST)
            last = Commit(execution_id, epoch, (entry(1),), end, events="release")
            expect(await store.write([last]), REFUSED_FIRST)
        expect(await store.write([create("a", input=b"2")]), REFUSED_FIRST)
        journal = await store.load("a")
        expect((journal.row, journal.entries) if journal else None, (row("a"), ()))
        expect(await store.released(10), ())

    async def test_a_write_needs_the_present_epoch(self, new_store: StoreFactory) -> None:
        """After a takeover the former owner is refused, and nobody else."""
        store = await opened(new_store)
        await store.write([create("a"), create("b")])
        await store.write([Commit("a", 1, release=Release(None, 0))])
        taken = await store.reclaim("a", "w2")
        expect((taken.owner, taken.epoch) if taken else None, ("w2", 2))
        stale, other, fresh = (Commit("a", 1, (entry(1),)), Commit("b", 1, (entry(1),)), Commit("a", 2, (entry(1),)))
        expect(await store.write([stale, other, fresh]), REFUSED_FIRST)
        expect(await store.write([Commit("nobody", 1, (entry(1),))]), REFUSED_FIRST)
        journal = await store.load("a")
        expect(journal.entries if journal else None, (entry(1),))

    async def test_a_message_wakes_what_nobody_owns(self, new_store: StoreFactory) -> None:
        """And so does the end of an execution that it waits for."""
        store = await opened(new_store)
        await store.write([create("a"), create("b"), create("child", parent_id="b", root_id="b")])
        await store.write([Commit(each, 1, release=Release(None, 0)) for each in ("a", "b")])
        told = await store.post(Message("a", "signal", "go", b"1", 1.0, key="k"))
        expect(told, Told(1, Status.RUNNING, ""))
        await store.write([Commit("child", 1, change=StatusChange(Status.SUCCEEDED), wake="b")])
        expect({each.id for each in (await store.claim(claim("w2"))).rows}, {"a", "b"})

    async def test_what_ended_is_owned_by_nobody(self, new_store: StoreFactory) -> None:
        """It can be taken up again, and is never claimed."""
        store = await opened(new_store)
        await store.write([create("a"), Commit("a", 1, change=StatusChange(Status.FAILED))])
        expect((await store.claim(claim("w2"))).rows, ())
        again = await store.reclaim("a", "w2")
        expect((again.owner, again.epoch) if again else None, ("w2", 2))
        kept = await store.reclaim("a", "w3")
        expect((kept.owner, kept.epoch) if kept else None, ("w2", 2))

    async def test_what_a_worker_leaves_is_due(self, new_store: StoreFactory) -> None:
        """When it signs off; its writes are refused from then on."""
        store = await opened(new_store)
        await store.enlist("w1", 60.0)
        await store.write([create("a"), create("b", status=Status.SUCCEEDED)])
        expect(await store.told("w1"), {"a": 0})
        await store.retire("w1")
        expect([(each.id, each.epoch) for each in (await store.claim(claim("w2"))).rows], [("a", 3)])
        expect(await store.write([Commit("a", 1, (entry(1),))]), REFUSED_FIRST)

    async def test_the_first_message_counts(self, new_store: StoreFactory) -> None:
        """A second one of that kind, step and key is not kept; nor is one for an execution that has turned."""
        store = await opened(new_store)
        await store.write([create("a"), create("turned", status=Status.COMPENSATING), create("b", owner="")])
        first = Message("a", "complete", "s", b"1", 1.0)
        posted = [
            await store.post(message)
            for message in (
                first,
                replace(first, payload=b"2"),
                replace(first, step="t"),
                Message("a", "signal", "s", b"1", 2.0, key="1"),
                Message("a", "signal", "s", b"2", 2.0, key="2"),
                Message("a", "cancel", "", b"null", 1.0),
                Message("a", "cancel", "", b"null", 2.0),
            )
        ]
        expect([each.number if each else None for each in posted], [1, 0, 2, 3, 4, 5, 0])
        expect(posted[0], Told(1, Status.RUNNING, "w1"))
        turned = replace(first, execution_id="turned")
        expect(await store.post(turned), Told(0, Status.COMPENSATING, "w1"))
        expect(await store.post(replace(turned, kind="undone")), Told(1, Status.COMPENSATING, "w1"))
        expect(await store.post(replace(first, kind="undone")), Told(0, Status.RUNNING, "w1"))
        expect(await store.post(replace(first, execution_id="nobody")), None)
        journal = await store.load("a")
        kept = [(each.kind, each.step, each.payload, each.number) for each in journal.messages] if journal else None
        wanted = [
            ("complete", "s", b"1", 1),
            ("complete", "t", b"1", 2),
            ("signal", "s", b"1", 3),
            ("signal", "s", b"2", 4),
            ("cancel", "", b"null", 5),
        ]
        expect(kept, wanted)
        expect(journal.row.messages if journal else None, 5)

    async def test_events_wait_for_their_release(self, new_store: StoreFactory) -> None:
        """Staged events of a whole family are released at once, in order, until they are delivered."""
        store = await opened(new_store)
        child = row("a::c", root_id="a", parent_id="a")
        await store.write([create("a"), create("b"), Commit("a", 1, create=(child,), stage=(event("1", "a"),))])
        await store.write(
            [Commit("a::c", 1, stage=(event("2", "a", "a::c"),)), Commit("b", 1, stage=(event("3", "b"),))]
        )
        expect(await store.released(10), ())
        await store.write([Commit("a", 1, stage=(event("4", "a"),), events="release")])
        expect(await store.released(10), (event("1", "a"), event("2", "a", "a::c"), event("4", "a")))
        expect(len(await store.released(2)), 2)
        await store.delivered(["1", "4"])
        expect(await store.released(10), (event("2", "a", "a::c"),))

    async def test_events_are_dropped_with_what_is_undone(self, new_store: StoreFactory) -> None:
        """Only those of that execution, and none that was released."""
        store = await opened(new_store)
        child = row("a::c", root_id="a", parent_id="a")
        await store.write([create("a"), Commit("a", 1, create=(child,), stage=(event("1", "a"),))])
        await store.write([Commit("a::c", 1, stage=(event("2", "a", "a::c"),), events="drop")])
        await store.write([Commit("a", 1, events="release")])
        await store.write([Commit("a", 1, events="drop")])
        expect(await store.released(10), (event("1", "a"),))

    async def test_everything_is_there_after_a_restart(self, new_store: StoreFactory) -> None:
        """What was written before ``close`` is found by the next process."""
        store = await opened(new_store)
        staged = Commit("a", 1, (entry(1),), StatusChange(Status.WAITING), (), (event("e", "a"),), "release")
        await store.write([create("a"), staged])
        await store.post(Message("a", "cancel", "", b"null", 1.0))
        before = await store.load("a")
        await store.close()
        again = new_store()
        await again.open()
        expect(await again.load("a"), before)
        expect(await again.released(10), (event("e", "a"),))
        await again.enlist("w2", 60.0)
        await again.retire("w1")
        expect(len((await again.claim(claim("w2"))).rows), 1)

    async def test_it_may_be_closed_at_any_time(self, new_store: StoreFactory) -> None:
        """Twice, or before it is open."""
        store = new_store()
        await store.close()
        await store.open()
        await store.close()
        await store.close()
        await store.open()
        expect(await store.load("a"), None)
        await store.close()


def _success(execution_id: str, entries: tuple[Entry, ...]) -> Commit:
    change = StatusChange(Status.SUCCEEDED, output=b"1", finished_at=5.0)
    return Commit(execution_id, 1, entries, change, events="release", heard=0)
