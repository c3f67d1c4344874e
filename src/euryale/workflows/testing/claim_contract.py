"""What every store keeps about claims: what is due, and what becomes due."""

from typing import Any

from euryale.workflows.record.entry import Commit, Message, Release, StatusChange
from euryale.workflows.record.states import Status
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.store_samples import READY, StoreFactory, claim, create, entry, opened


class ClaimContract:
    """Behaviour of claims; a part of ``StoreContract``."""

    async def test_what_is_due_is_claimed(self, new_store: StoreFactory) -> None:
        """A claim takes what has not ended, nobody owns, and is due; each epoch goes up by one."""
        store = await opened(new_store)
        unfinished = (Status.PENDING, Status.RUNNING, Status.WAITING, Status.COMPENSATING)
        await store.write([create(status.value, status=status, **READY) for status in Status])
        await store.write([create("owned"), create("told", owner=""), create("later", owner="", available_at=1001.0)])
        claimed = await store.claim(claim("w2"))
        expect({each.id for each in claimed.rows}, {status.value for status in unfinished})
        expect({(each.owner, each.epoch, each.started_at) for each in claimed.rows}, {("w2", 2, 1000.0)})
        expect(Status.PENDING in {each.status for each in claimed.rows}, False)
        expect(claimed.next_due, 1001.0)
        expect((await store.claim(claim("w3"))).rows, ())
        expect([each.id for each in (await store.claim(claim("w3", now=1001.0))).rows], ["later"])

    async def test_a_claim_takes_the_most_urgent_first(self, new_store: StoreFactory) -> None:
        """By priority, then by when it became due; no more than asked for; only plans that are known."""
        store = await opened(new_store)
        await store.write([create("old", **READY), create("urgent", priority=5, **READY)])
        await store.write([create("foreign", plan_hash="f" * 16, **READY)])
        await store.write([create("first", owner="", available_at=1.0)])
        taken = [[each.id for each in (await store.claim(claim("w2", limit=1))).rows] for _ in range(4)]
        expect(taken, [["urgent"], ["first"], ["old"], []])

    async def test_what_was_due_when_it_was_created_is_made_due(self, new_store: StoreFactory) -> None:
        """By whatever clock asks, and again by the next one; behind what has been due for longer."""
        store = await opened(new_store)
        pending: dict[str, Any] = {"owner": "", "status": Status.PENDING, "created_at": 5000.0, "available_at": 5000.0}
        await store.write(
            [create("b", **pending), create("a", **{**pending, "created_at": 4999.0, "available_at": 9.0})]
        )
        await store.write([create("c", **{**pending, "created_at": 5001.0, "available_at": 4000.0})])
        await store.write([create("timer", owner="", available_at=990.0)])
        expect([await store.make_due(at, 100) for at in (5000.0, 2000.0, 2000.0, 1000.0)], [0, 2, 0, 2])
        taken = [each for _ in range(4) for each in (await store.claim(claim("w2", limit=1))).rows]
        expect([each.id for each in taken], ["a", "timer", "b", "c"])
        expect([each.available_at for each in taken], [9.0, 990.0, 1000.0, 1000.0])

    async def test_only_so_many_are_made_due_at_once(self, new_store: StoreFactory) -> None:
        """The oldest first."""
        store = await opened(new_store)
        pending: dict[str, Any] = {"owner": "", "status": Status.PENDING}
        ages = {"c": 3002.0, "a": 3000.0, "b": 3001.0}
        await store.write([create(each, created_at=at, available_at=at, **pending) for each, at in ages.items()])
        expect(await store.make_due(1000.0, 2), 2)
        claimed = await store.claim(claim("w2"))
        expect(({each.id for each in claimed.rows}, claimed.next_due), ({"a", "b"}, 3002.0))
        expect([await store.make_due(1000.0, 2) for _ in range(2)], [1, 0])

    async def test_what_is_to_wait_is_not_made_due(self, new_store: StoreFactory) -> None:
        """What was started with a delay, a timer of what has begun, what somebody drives, what has ended."""
        store = await opened(new_store)
        pending: dict[str, Any] = {"owner": "", "status": Status.PENDING, "created_at": 5000.0}
        await store.write([create("delayed", **pending, available_at=5000.5), create("told", **pending)])
        await store.write([create("ended", **{**pending, "status": Status.REVERTED}, available_at=5000.0)])
        await store.write([create("driven", created_at=5000.0), create("timer", created_at=5000.0)])
        await store.write([Commit("timer", 1, (), StatusChange(Status.WAITING), release=Release(4000.0, 0))])
        before = [await store.load(each) for each in ("delayed", "told", "ended", "driven", "timer")]
        expect(await store.make_due(1000.0, 100), 0)
        expect([await store.load(each) for each in ("delayed", "told", "ended", "driven", "timer")], before)

    async def test_what_is_let_go_of_can_be_claimed(self, new_store: StoreFactory) -> None:
        """When it is due, or at once if it was told something that its worker has not seen."""
        store = await opened(new_store)
        await store.write([create(name) for name in ("timer", "told", "never", "stranded")])
        await store.post(Message("told", "cancel", "", b"null", 1.0))
        waiting = StatusChange(Status.WAITING)
        await store.write(
            [
                Commit("timer", 1, (entry(1),), waiting, release=Release(2000.0, 0)),
                Commit("told", 1, (entry(1),), waiting, release=Release(2000.0, 0)),
                Commit("never", 1, (entry(1),), waiting, release=Release(None, 0)),
                Commit("stranded", 1, release=Release(0.0, 0, "no plan")),
            ]
        )
        claimed = await store.claim(claim("w2"))
        expect([(each.id, each.epoch) for each in claimed.rows], [("told", 2)])
        expect(claimed.next_due, 2000.0)
        journal = await store.load("stranded")
        expect(journal.row.stranded if journal else None, "no plan")
        again = await store.reclaim("stranded", "w2")
        expect((again.stranded, again.owner, again.epoch) if again else None, ("", "w2", 2))
