"""What every store keeps about lists, and about what is old."""

from typing import Any

from euryale.workflows.record.entry import Commit, ExecutionRow, Message, StatusChange
from euryale.workflows.record.states import Status
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.store_samples import NONE_REFUSED, StoreFactory, create, entry, event, opened, row


class ListingContract:
    """Behaviour of lists and of pruning; a part of ``StoreContract``."""

    async def test_executions_are_listed_newest_first_in_pages(self, new_store: StoreFactory) -> None:
        """Pages follow each other without gap or repetition, where times are equal too."""
        store = await opened(new_store)
        await store.write([create(f"e{at}", created_at=1000.0 + at // 3) for at in range(10)])
        whole = [each.id for each in await store.list(ExecutionQuery())]
        expect(whole, ["e9", "e8", "e7", "e6", "e5", "e4", "e3", "e2", "e1", "e0"])
        paged: list[ExecutionRow] = []
        while page := await store.list(
            ExecutionQuery(limit=4, before=(paged[-1].created_at, paged[-1].id) if paged else None)
        ):
            paged.extend(page)
        expect([each.id for each in paged], whole)

    async def test_executions_are_listed_by_what_is_asked_for(self, new_store: StoreFactory) -> None:
        """Each filter narrows the list; a prefix is taken literally."""
        store = await opened(new_store)
        child = row("a%1::c", root_id="a%1", parent_id="a%1")
        await store.write([create("a%1"), Commit("a%1", 1, create=(child,)), create("ab", workflow="other")])
        await store.write([Commit("ab", 1, change=StatusChange(Status.SUCCEEDED))])
        queries = {
            ExecutionQuery(workflow="other"): {"ab"},
            ExecutionQuery(statuses=frozenset({Status.SUCCEEDED, Status.FAILED})): {"ab"},
            ExecutionQuery(parent_id=""): {"a%1", "ab"},
            ExecutionQuery(parent_id="a%1"): {"a%1::c"},
            ExecutionQuery(prefix="a%"): {"a%1", "a%1::c"},
            ExecutionQuery(prefix="a%", parent_id="", workflow="shop"): {"a%1"},
            ExecutionQuery(workflow="none"): set(),
        }
        for query, wanted in queries.items():
            expect({each.id for each in await store.list(query)}, wanted)

    async def test_what_is_old_is_pruned_with_its_family(self, new_store: StoreFactory) -> None:
        """Never what has not ended, what is kept for ever, or what failed: that one waits for a person."""
        store = await opened(new_store)
        over = {"finished_at": 10.0, "retention": 5.0, "owner": ""}
        child = row("old::c", root_id="old", parent_id="old", status=Status.SUCCEEDED, finished_at=9.0, owner="")
        await store.write(
            [create("old", status=Status.SUCCEEDED, **over), create("older", status=Status.REVERTED, **over)]
        )
        await store.write([Commit("old", 1, (entry(1),), create=(child,)), Commit("old::c", 1, (entry(1),))])
        await store.write([Commit("old", 1, stage=(event("e", "old"),), events="release")])
        await store.post(Message("old", "cancel", "", b"null", 1.0))
        kept: dict[str, dict[str, Any]] = {
            "young": {"status": Status.SUCCEEDED, "finished_at": 99.0, "retention": 5.0},
            "for-ever": {"status": Status.SUCCEEDED, "finished_at": 10.0},
            "running": {"retention": 5.0},
            "about-to-be-undone": {"status": Status.SUCCEEDED, **over, "owner": "w1"},
            "failed": {"status": Status.FAILED, **over},
        }
        await store.write([create(name, **details) for name, details in kept.items()])
        expect(await store.prune(14.9, 10), 0)
        expect(await store.prune(15.0, 1), 1)
        expect(await store.prune(15.0, 10), 1)
        expect({each.id for each in await store.list(ExecutionQuery())}, set(kept))
        expect((await store.load("old"), await store.load("old::c")), (None, None))
        expect(len(await store.released(10)), 1)
        expect(await store.write([create("old")]), NONE_REFUSED)
        journal = await store.load("old")
        expect((journal.entries, journal.messages) if journal else None, ((), ()))
