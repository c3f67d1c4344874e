"""What every store keeps of queues: behavioural suites that a store's own tests subclass."""

import asyncio
from typing import Any

from euryale.workflows.definition.queue import Policy
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, Message, Release, StatusChange
from euryale.workflows.record.queueing import QueueLimits
from euryale.workflows.record.states import Slot, Status
from euryale.workflows.requests import Claim, Entered, Entrance, ExecutionQuery
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.store_samples import StoreFactory, claim, create, entry, opened

_CANCELLATION = b'"why"'
_WITHIN = 30.0


def waiting(execution_id: str, **details: Any) -> Commit:
    """Return the commit that creates an execution that waits in the queue ``q``, unless told otherwise."""
    values = {"owner": "", "status": Status.PENDING, "available_at": 500.0, "queue": "q", "slot": Slot.WAITING}
    return create(execution_id, **{**values, **details})


def entrance(execution_id: str, policy: Policy = "queue", **details: Any) -> Entrance:
    """Return what is asked when an execution with the key ``k`` enters the queue ``q``, unless told otherwise."""
    key_concurrency = details.pop("key_concurrency", 1)
    return Entrance(waiting(execution_id, **{"queue_key": "k", **details}), policy, key_concurrency, _CANCELLATION)


async def _given(store: Store, limits: QueueLimits, **details: Any) -> list[str]:
    """Return what a worker is given of a queue."""
    owner = details.pop("owner", "w2")
    claimed = await store.claim_queued(claim(owner, **details), [limits])
    return [each.id for each in claimed.rows]


async def _slot(store: Store, execution_id: str) -> str:
    journal = await store.load(execution_id)
    return "" if journal is None else journal.row.slot.value


def _ended(execution_id: str, epoch: int = 2, status: Status = Status.SUCCEEDED) -> Commit:
    return Commit(execution_id, epoch, change=StatusChange(status, finished_at=1500.0))


def _apart(owner: str, *, limit: int = 100) -> Claim:
    """Return what a worker asks for that drives only so many of the queue ``q``."""
    return Claim(owner, 1000.0, limit, frozenset({"0123456789abcdef"}), frozenset({"q"}))


class QueueContract:
    """Subclass it as ``Test...`` with a fixture ``new_store``, as :class:`StoreContract`."""

    async def test_one_that_waits_in_a_queue_is_given_by_that_alone(self, new_store: StoreFactory) -> None:
        """It has a slot from then on; whoever knows other queues or plans is not given it."""
        store = await opened(new_store)
        commit = waiting("a", queue_key="k", dedup_key="d", priority=3)
        await store.write([commit, waiting("foreign", plan_hash="f" * 16), waiting("other", queue="other")])
        journal = await store.load("a")
        expect(journal.row if journal else None, commit.create[0])
        expect(await store.claim(claim("w2")), await store.claim(claim("w3")))
        left = await store.reclaim("a", "w2")
        expect((left.owner, left.epoch) if left else None, ("", 1))
        claimed = await store.claim_queued(claim("w2"), [QueueLimits("q")])
        given = [(each.id, each.owner, each.epoch, each.status, each.started_at, each.slot) for each in claimed.rows]
        expect(given, [("a", "w2", 2, Status.RUNNING, 1000.0, Slot.HELD)])
        expect(claimed.next_due, None)
        expect(await store.write([Commit("a", 2, (entry(1),))]), frozenset())

    async def test_the_most_urgent_of_a_queue_are_given_first(self, new_store: StoreFactory) -> None:
        """No more than asked for; then there is more at once. Those of later times say when."""
        store = await opened(new_store)
        await store.write([waiting("old"), waiting("urgent", priority=5), waiting("first", available_at=1.0)])
        await store.write([waiting("later", priority=9, available_at=2000.0)])
        claimed = await store.claim_queued(claim("w2", limit=2), [QueueLimits("q")])
        expect(([each.id for each in claimed.rows], claimed.next_due), (["urgent", "first"], 1000.0))
        claimed = await store.claim_queued(claim("w2", limit=2), [QueueLimits("q")])
        expect(([each.id for each in claimed.rows], claimed.next_due), (["old"], 2000.0))
        expect(await _given(store, QueueLimits("q"), limit=0, now=2000.0), [])
        expect(await _given(store, QueueLimits("q"), now=2000.0), ["later"])

    async def test_a_slot_is_held_until_the_end(self, new_store: StoreFactory) -> None:
        """While its execution waits, is undone, or its worker has died, too; whoever has one is claimed freely."""
        store, limits = await opened(new_store), QueueLimits("q", concurrency=2)
        await store.write([waiting(f"e{at}", available_at=500.0 + at) for at in range(5)])
        expect(await _given(store, limits), ["e0", "e1"])
        await store.write([Commit("e0", 2, change=StatusChange(Status.WAITING), release=Release(None, 0))])
        await store.write([Commit("e1", 2, change=StatusChange(Status.COMPENSATING))])
        expect(await _given(store, limits), [])
        await store.retire("w2")
        expect(await _given(store, limits, owner="w3"), [])
        expect([each.id for each in (await store.claim(claim("w3"))).rows], ["e1"])
        await store.post(Message("e0", "signal", "s", b"1", 1.0))
        expect([each.id for each in (await store.claim(claim("w3"))).rows], ["e0"])
        await store.write([_ended("e1", 4, Status.REVERTED)])
        expect(await _given(store, limits, owner="w3"), ["e2"])
        await store.write([_ended("e0", 3), _ended("e2")])
        expect(await _given(store, limits, owner="w3"), ["e3", "e4"])

    async def test_a_key_that_is_full_holds_up_nobody_else(self, new_store: StoreFactory) -> None:
        """Neither others nor those without a key; its own wait, the most urgent first."""
        store, limits = await opened(new_store), QueueLimits("q", concurrency=6, key_concurrency=2)
        await store.write([waiting(f"a{at}", queue_key="a", available_at=100.0 + at) for at in range(5)])
        await store.write([waiting(f"b{at}", queue_key="b", available_at=200.0 + at) for at in range(3)])
        await store.write([waiting(f"c{at}", available_at=300.0 + at) for at in range(3)])
        expect(await _given(store, limits, limit=3), ["a0", "a1", "b0"])
        expect(await _given(store, limits), ["b1", "c0", "c1"])
        expect(await _given(store, limits), [])
        await store.write([_ended("a0"), _ended("c0")])
        expect(await _given(store, limits), ["a2", "c2"])

    async def test_a_worker_drives_so_many_of_a_queue(self, new_store: StoreFactory) -> None:
        """Those that waited and go on, too, and before others; another worker takes as many."""
        store, limits = await opened(new_store), QueueLimits("q", worker_concurrency=2)
        await store.write([waiting(f"e{at}", available_at=500.0 + at) for at in range(6)])
        first = await store.claim_queued(_apart("w2"), [limits])
        expect([each.id for each in first.rows], ["e0", "e1"])
        expect(len((await store.claim_queued(_apart("w2"), [limits])).rows), 0)
        await store.write([Commit("e0", 2, release=Release(900.0, 0))])
        second = await store.claim_queued(_apart("w3", limit=1), [limits])
        expect([each.id for each in second.rows], ["e0"])
        third = await store.claim_queued(_apart("w2"), [limits])
        expect([each.id for each in third.rows], ["e2"])
        await store.write([Commit("e1", 2, release=Release(900.0, 0)), Commit("e2", 2, release=Release(3000.0, 0))])
        expect((await store.claim(_apart("w2"))).rows, ())
        fourth = await store.claim_queued(_apart("w2"), [limits])
        expect(({each.id for each in fourth.rows}, fourth.next_due), ({"e1", "e3"}, 3000.0))
        await store.write([Commit("e1", 3, release=Release(900.0, 0))])
        expect([each.id for each in (await store.claim(claim("w1"))).rows], ["e1"])

    async def test_so_many_begin_in_any_window_of_time(self, new_store: StoreFactory) -> None:
        """Whether they have ended or not; and it is told when the next may begin."""
        store, limits = await opened(new_store), QueueLimits("q", rate_limit=2, rate_period=60.0)
        await store.write([waiting(f"e{at}", available_at=500.0 + at) for at in range(6)])
        expect(await _given(store, limits, limit=1), ["e0"])
        await store.write([_ended("e0")])
        claimed = await store.claim_queued(claim("w2", now=1020.0), [limits])
        expect(([each.id for each in claimed.rows], claimed.next_due), (["e1"], 1060.0))
        claimed = await store.claim_queued(claim("w2", now=1059.0), [limits])
        expect((claimed.rows, claimed.next_due), ((), 1060.0))
        claimed = await store.claim_queued(claim("w2", now=1060.0), [limits])
        expect(([each.id for each in claimed.rows], claimed.next_due), (["e2"], 1080.0))
        expect(await _given(store, limits, now=1079.5), [])
        expect(await _given(store, limits, now=510.0, limit=1), ["e3"])

    async def test_what_waits_for_a_slot_is_made_due(self, new_store: StoreFactory) -> None:
        """As what waits for a worker; the highest priority is given first, and the next one says when it is due."""
        store, limits = await opened(new_store), QueueLimits("q", concurrency=1)
        await store.write([waiting(each, created_at=5000.0, available_at=5000.0) for each in ("a", "b")])
        await store.write([waiting("urgent", created_at=5001.0, available_at=5001.0, priority=1)])
        await store.write([waiting("delayed", created_at=5000.0, available_at=5060.0)])
        claimed = await store.claim_queued(claim("w2"), [limits])
        expect(([each.id for each in claimed.rows], claimed.next_due), ([], 5000.0))
        expect(await store.make_due(1000.0, 100), 3)
        claimed = await store.claim_queued(claim("w2"), [limits])
        expect(([each.id for each in claimed.rows], claimed.next_due), (["urgent"], 5060.0))
        await store.write([_ended("urgent")])
        expect(await _given(store, limits), ["a"])

    async def test_what_is_cancelled_while_it_waits_waives_its_slot(self, new_store: StoreFactory) -> None:
        """It is due at once, in no queue; nothing else that it is told lets it begin."""
        store, limits = await opened(new_store), QueueLimits("q", concurrency=1)
        await store.write([waiting("a"), waiting("b"), create("delayed", owner="", available_at=2000.0)])
        await store.write([create("p", status=Status.PENDING, owner="", available_at=2000.0)])
        for each in ("a", "b", "p"):
            await store.post(Message(each, "signal", "s", b"1", 1.0))
        expect([each.id for each in (await store.claim(claim("w2"))).rows], [])
        await store.post(Message("a", "cancel", "", b"null", 1.0))
        await store.post(Message("p", "cancel", "", b"null", 1.0))
        expect([await _slot(store, each) for each in ("a", "b", "p")], ["waived", "waiting", ""])
        claimed = await store.claim(claim("w2"))
        expect({(each.id, each.slot) for each in claimed.rows}, {("a", Slot.WAIVED), ("p", Slot.NONE)})
        expect(await _given(store, limits), ["b"])

    async def test_an_execution_enters_once(self, new_store: StoreFactory) -> None:
        """A second one of its id is known, whatever else is the case; its journal may begin with something."""
        store = await opened(new_store)
        commit = Commit("a", 1, (entry(1),), create=entrance("a").commit.create)
        expect(await store.enter(Entrance(commit, "reject", 1, b"null")), Entered("created", "a"))
        expect(await store.enter(entrance("a", "reject")), Entered("known", "a"))
        expect(await store.enter(entrance("a", "cancel", input=b"2")), Entered("known", "a"))
        journal = await store.load("a")
        expect((journal.row, journal.entries) if journal else None, (commit.create[0], (entry(1),)))

    async def test_what_has_not_ended_is_joined_by_its_dedup_key(self, new_store: StoreFactory) -> None:
        """In its queue alone; once it has ended, or was cancelled while it waited, there is a new one."""
        store = await opened(new_store)
        expect((await store.enter(entrance("a", dedup_key="d"))).verdict, "created")
        expect(await store.enter(entrance("b", "cancel", dedup_key="d")), Entered("duplicate", "a"))
        expect((await store.enter(entrance("c", dedup_key="d", queue="other"))).verdict, "created")
        expect((await store.enter(entrance("e"))).verdict, "created")
        expect(await _given(store, QueueLimits("q"), limit=1), ["a"])
        expect(await store.enter(entrance("b", dedup_key="d")), Entered("duplicate", "a"))
        await store.write([_ended("a", status=Status.FAILED)])
        expect((await store.enter(entrance("b", dedup_key="d"))).verdict, "created")
        await store.post(Message("b", "cancel", "", b"null", 1.0))
        expect((await store.enter(entrance("f", dedup_key="d"))).verdict, "created")

    async def test_a_key_rejects_others(self, new_store: StoreFactory) -> None:
        """As many as it may have wait or have a slot; nothing is written of another. No key rejects nobody."""
        store = await opened(new_store)
        expect((await store.enter(entrance("a", "reject", key_concurrency=2))).verdict, "created")
        expect((await store.enter(entrance("b", "reject", key_concurrency=2))).verdict, "created")
        expect(await store.enter(entrance("c", "reject", key_concurrency=2)), Entered("rejected", "a"))
        expect(await store.load("c"), None)
        expect((await store.enter(entrance("d", "reject", queue_key="other"))).verdict, "created")
        expect((await store.enter(entrance("e", "reject", queue_key=""))).verdict, "created")
        expect((await store.enter(entrance("f", "reject", queue_key=""))).verdict, "created")
        expect(await _given(store, QueueLimits("q", key_concurrency=1)), ["a", "d", "e", "f"])
        await store.write([Commit("a", 2, change=StatusChange(Status.COMPENSATING))])
        expect((await store.enter(entrance("c", "reject", key_concurrency=2))).verdict, "rejected")
        await store.write([_ended("a")])
        expect((await store.enter(entrance("c", "reject", key_concurrency=2))).verdict, "created")

    async def test_a_key_replaces_those_that_wait(self, new_store: StoreFactory) -> None:
        """They are told to end, each once, and wait no more; who has begun goes on."""
        store, limits = await opened(new_store), QueueLimits("q", key_concurrency=1)
        expect(await store.enter(entrance("a", "replace")), Entered("created", "a"))
        await store.enter(entrance("other", "replace", queue_key="other"))
        expect(await _given(store, limits), ["a", "other"])
        expect((await store.enter(entrance("b", "replace"))).told, ())
        entered = await store.enter(entrance("c", "replace"))
        expect([(message.execution_id, message.payload) for message, _ in entered.told], [("b", _CANCELLATION)])
        expect([(told.number, told.status, told.owner) for _, told in entered.told], [(1, Status.PENDING, "")])
        expect(await store.enter(entrance("c", "replace")), Entered("known", "c"))
        expect([await _slot(store, each) for each in ("a", "b", "c")], ["held", "waived", "waiting"])
        expect([each.id for each in (await store.claim(claim("w3"))).rows], ["b"])
        expect((await store.enter(entrance("d", "replace"))).told[0][0].execution_id, "c")
        expect(await _given(store, limits), [])

    async def test_a_key_cancels_those_that_have_begun(self, new_store: StoreFactory) -> None:
        """They are told to end, and keep their slots until they have."""
        store, limits = await opened(new_store), QueueLimits("q", key_concurrency=1)
        await store.enter(entrance("a", "cancel"))
        expect(await _given(store, limits), ["a"])
        entered = await store.enter(entrance("b", "cancel"))
        expect([(each.execution_id, told.owner) for each, told in entered.told], [("a", "w2")])
        entered = await store.enter(entrance("c", "cancel", created_at=1001.0))
        expect([each.execution_id for each, _ in entered.told], ["b"])
        journal = await store.load("a")
        expect(
            [(each.kind, each.payload) for each in journal.messages] if journal else None, [("cancel", _CANCELLATION)]
        )
        expect(await _given(store, limits), [])
        await store.write([Commit("a", 2, change=StatusChange(Status.COMPENSATING))])
        expect((await store.enter(entrance("d", "cancel", created_at=1002.0))).told[0][0].execution_id, "c")
        await store.write([_ended("a", status=Status.REVERTED)])
        expect(await _given(store, limits), ["d"])

    async def test_queues_are_claimed_in_the_order_asked_for(self, new_store: StoreFactory) -> None:
        """As many as there is room for in all."""
        store, known = await opened(new_store), [QueueLimits("r", concurrency=1), QueueLimits("q")]
        await store.write([waiting("q1"), waiting("q2", available_at=501.0), waiting("r1", queue="r")])
        await store.write([waiting("r2", queue="r", available_at=501.0)])
        claimed = await store.claim_queued(claim("w2", limit=2), known)
        expect([each.id for each in claimed.rows], ["r1", "q1"])
        claimed = await store.claim_queued(claim("w2"), known)
        expect([each.id for each in claimed.rows], ["q2"])
        expect({each.id for each in await store.list(ExecutionQuery(queue="r"))}, {"r1", "r2"})
        expect(await store.list(ExecutionQuery(queue="none")), ())


class SharedQueueContract(QueueContract):
    """Subclass it instead of :class:`QueueContract` for a store that workers of several processes share."""

    async def test_a_worker_that_is_not_known_gets_nothing_of_a_queue(self, new_store: StoreFactory) -> None:
        """Nobody would ever take over from it."""
        store = await opened(new_store)
        await store.write([waiting("a")])
        await store.retire("w2")
        expect(await _given(store, QueueLimits("q")), [])
        expect(await _slot(store, "a"), "waiting")

    async def test_however_many_claim_at_once_no_limit_is_exceeded(self, new_store: StoreFactory) -> None:
        """And everything has its turn."""
        stores = [await opened(new_store) for _ in range(3)]
        limits = QueueLimits("q", concurrency=5, key_concurrency=1)
        names = {f"e{at}" for at in range(90)}
        await stores[0].write([waiting(name, queue_key=f"k{at % 9}") for at, name in enumerate(sorted(names))])
        under_way: dict[str, str] = {}
        most, done = 0, set[str]()

        async def take(owner: str, store: Store) -> None:
            nonlocal most
            while done != names:
                await asyncio.sleep(0)
                rows = (await store.claim_queued(claim(owner), [limits])).rows
                for each in rows:
                    if each.queue_key in under_way.values():
                        raise AssertionError(f"two have the key {each.queue_key}")
                    under_way[each.id] = each.queue_key
                most = max(most, len(under_way))
                for each in rows:
                    await asyncio.sleep(0)
                    del under_way[each.id]
                    await store.write([_ended(each.id)])
                    done.add(each.id)

        async with asyncio.timeout(_WITHIN):
            await asyncio.gather(*(take(f"w{at + 1}", store) for at, store in enumerate(stores)))
        expect(min(most, 6), 5)

    async def test_of_those_that_enter_at_once_one_has_the_key(self, new_store: StoreFactory) -> None:
        """The others are rejected, or join it."""
        stores = [await opened(new_store) for _ in range(3)]
        for turn in range(15):
            entered = await asyncio.gather(
                *(
                    store.enter(entrance(f"r{turn}-{at}", "reject", queue_key=f"r{turn}"))
                    for at, store in enumerate(stores)
                )
            )
            expect(sorted(each.verdict for each in entered), ["created", "rejected", "rejected"])
            expect(len({each.execution_id for each in entered}), 1)
            entered = await asyncio.gather(
                *(store.enter(entrance(f"d{turn}-{at}", dedup_key=f"d{turn}")) for at, store in enumerate(stores))
            )
            expect(sorted(each.verdict for each in entered), ["created", "duplicate", "duplicate"])
            expect(len({each.execution_id for each in entered}), 1)

    async def test_one_is_replaced_or_begins_and_never_both(self, new_store: StoreFactory) -> None:
        """Whichever comes first: at most one waits behind at most one that has begun."""
        store, other = await opened(new_store), await opened(new_store)
        limits = QueueLimits("q", key_concurrency=1)
        for turn in range(30):
            key = f"k{turn}"
            await store.enter(entrance(f"a{turn}", "replace", queue_key=key))
            entered, claimed = await asyncio.gather(
                store.enter(entrance(f"b{turn}", "replace", queue_key=key)),
                other.claim_queued(claim("w2"), [limits]),
            )
            begun = f"a{turn}" in {each.id for each in claimed.rows}
            replaced = f"a{turn}" in {each.execution_id for each, _ in entered.told}
            expect(begun, not replaced)
            expect(await _slot(store, f"a{turn}"), "waived" if replaced else "held")

    async def test_a_key_is_full_for_an_execution_of_another_worker(self, new_store: StoreFactory) -> None:
        """One that one worker has begun holds up another's, and a worker that dies does not give its slot away."""
        store, other = await opened(new_store), await opened(new_store)
        limits = QueueLimits("q", key_concurrency=1)
        await store.write([create("none", queue="q", owner="", status=Status.SUCCEEDED, slot=Slot.HELD, queue_key="k")])
        await store.write([waiting("a", queue_key="k"), waiting("b", queue_key="k", available_at=600.0)])
        expect(await _given(store, limits), ["a"])
        expect(await _given(other, limits, owner="w3"), [])
        await store.retire("w2")
        expect(await _given(other, limits, owner="w3"), [])
        expect([each.id for each in (await other.claim(claim("w3"))).rows], ["a"])
