"""What every store keeps of schedules: a behavioural suite that a store's own tests subclass."""

import asyncio
import dataclasses
from typing import Any

from msgspec.structs import replace

from euryale.workflows.definition.queue import Policy
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, StatusChange
from euryale.workflows.record.queueing import QueueLimits, Terms
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.record.states import Slot, Status
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.store_samples import StoreFactory, claim, create, opened, row

_HOURLY = "every 3600"
_FIRST = ScheduleRow("s", _HOURLY, 1000.0)


def _firing(at: float, *, overlap: str = "allow", execution: str = "", **details: Any) -> Firing:
    created = row(execution or f"t{at:.0f}", owner="", status=Status.PENDING, available_at=at)
    values: dict[str, Any] = {
        "schedule": "s",
        "cadence": _HOURLY,
        "at": at,
        "execution": created,
        "overlap": overlap,
        **details,
    }
    return Firing(**values)


async def _registered(new_store: StoreFactory) -> Store:
    store = await opened(new_store)
    expect(await store.register("s", _HOURLY, 1000.0), _FIRST)
    return store


async def _done(store: Store, *execution_ids: str) -> None:
    """Let a worker claim these, and no others, and end the last of them."""
    claimed = {each.id: each.epoch for each in (await store.claim(claim("w1", now=9000.0))).rows}
    expect(sorted(claimed), sorted(execution_ids))
    last = execution_ids[-1]
    expect(await store.write([Commit(last, claimed[last], change=StatusChange(Status.SUCCEEDED))]), frozenset())
    journal = await store.load(last)
    expect(journal.row.status if journal else None, Status.SUCCEEDED)


class ScheduleContract:
    """Subclass it besides :class:`StoreContract`, with the same fixture ``new_store``."""

    async def test_a_schedule_begins_when_it_is_registered(self, new_store: StoreFactory) -> None:
        """Registering it again changes nothing; another cadence lets it begin anew, never earlier than before."""
        store = await _registered(new_store)
        expect(await store.register("s", _HOURLY, 2000.0), _FIRST)
        expect(await store.register("s", "every 60", 3000.0), ScheduleRow("s", "every 60", 3000.0))
        expect(await store.register("s", _HOURLY, 2500.0), ScheduleRow("s", _HOURLY, 3000.0))
        other = await store.register("a", _HOURLY, 1.0)
        expect(await store.scheduled(), (other, ScheduleRow("s", _HOURLY, 3000.0)))

    async def test_a_tick_fires_once(self, new_store: StoreFactory) -> None:
        """However many ask at once: one of them creates its execution, which may be claimed then."""
        store = await _registered(new_store)
        firings = [_firing(3600.0) for _ in range(8)]
        results = await asyncio.gather(*map(store.fire, firings))
        after = replace(_FIRST, decided=3600.0, fired=3600.0, execution="t3600")
        expect(sorted(each.outcome for each in results), ["fired", *["late"] * 7])
        expect({each.row for each in results}, {after})
        expect(await store.scheduled(), (after,))
        claimed = await store.claim(claim("w1", now=3600.0))
        expect([(each.id, each.status) for each in claimed.rows], [("t3600", Status.RUNNING)])

    async def test_no_tick_fires_after_a_later_one(self, new_store: StoreFactory) -> None:
        """As when the clock was set back."""
        store = await _registered(new_store)
        await store.fire(_firing(7200.0))
        late = await store.fire(_firing(3600.0))
        expect((late.outcome, late.row.decided), ("late", 7200.0))
        expect(await store.load("t3600"), None)

    async def test_a_tick_of_a_former_cadence_does_not_fire(self, new_store: StoreFactory) -> None:
        """Who asks is told the present one."""
        store = await _registered(new_store)
        now = await store.register("s", "every 60", 1000.0)
        expect(await store.fire(_firing(3600.0)), Fired("late", now))
        expect(await store.load("t3600"), None)

    async def test_a_tick_whose_execution_exists_has_fired(self, new_store: StoreFactory) -> None:
        """It is left as it is."""
        store = await _registered(new_store)
        await store.write([create("t3600", input=b"1")])
        fired = await store.fire(_firing(3600.0))
        expect((fired.outcome, fired.row.execution), ("fired", "t3600"))
        journal = await store.load("t3600")
        expect(journal.row.input if journal else None, b"1")

    async def test_a_tick_is_skipped(self, new_store: StoreFactory) -> None:
        """It does not fire any more, and why is kept."""
        store = await _registered(new_store)
        skipped = replace(_FIRST, decided=3600.0, skipped=3600.0, reason="missed")
        missed = Firing("s", _HOURLY, 3600.0, None, reason="missed")
        expect(await store.fire(missed), Fired("skipped", skipped))
        expect(await store.fire(missed), Fired("late", skipped))
        expect(await store.scheduled(), (skipped,))

    async def test_an_overlap_is_forbidden_until_the_former_one_has_ended(self, new_store: StoreFactory) -> None:
        """Waiting for a worker is not having ended."""
        store = await _registered(new_store)
        await store.fire(_firing(3600.0, overlap="forbid"))
        second = await store.fire(_firing(7200.0, overlap="forbid"))
        expect((second.outcome, second.row.reason, second.row.execution), ("skipped", "overlap", "t3600"))
        expect(await store.load("t7200"), None)
        await _done(store, "t3600")
        third = await store.fire(_firing(10800.0, overlap="forbid"))
        expect((third.outcome, third.row.execution, third.row.skipped), ("fired", "t10800", 7200.0))

    async def test_the_former_one_is_cancelled(self, new_store: StoreFactory) -> None:
        """Told so once; one that has ended is not."""
        store = await _registered(new_store)
        await store.fire(_firing(3600.0, overlap="cancel"))
        second = await store.fire(_firing(7200.0, overlap="cancel"))
        expect((second.outcome, second.cancelled), ("fired", "t3600"))
        journal = await store.load("t3600")
        expect([each.kind for each in journal.messages] if journal else None, ["cancel"])
        await _done(store, "t3600", "t7200")
        expect((await store.fire(_firing(10800.0, overlap="cancel"))).cancelled, "")

    async def test_an_overlap_is_allowed(self, new_store: StoreFactory) -> None:
        """Both go on."""
        store = await _registered(new_store)
        for at in (3600.0, 7200.0):
            expect((await store.fire(_firing(at))).outcome, "fired")
        journal = await store.load("t3600")
        expect(journal.messages if journal else None, ())

    async def test_by_hand_no_tick_is_decided(self, new_store: StoreFactory) -> None:
        """But what it starts is the former one of the next tick; asking again changes nothing."""
        store = await _registered(new_store)
        by_hand = _firing(1500.0, execution="h", overlap="forbid", by_hand=True)
        after = replace(_FIRST, execution="h")
        expect(await store.fire(by_hand), Fired("fired", after))
        expect(await store.fire(by_hand), Fired("fired", after))
        again = _firing(1600.0, execution="h2", overlap="forbid", by_hand=True)
        expect(await store.fire(again), Fired("skipped", after))
        expect((await store.fire(_firing(3600.0, overlap="forbid"))).outcome, "skipped")

    async def test_by_hand_again_the_former_one_stays_what_fired_since(self, new_store: StoreFactory) -> None:
        """As when the answer was lost, and a tick has come meanwhile."""
        store = await _registered(new_store)
        by_hand = _firing(1500.0, execution="h", by_hand=True)
        await store.fire(by_hand)
        tick = await store.fire(_firing(3600.0))
        expect(await store.fire(by_hand), Fired("fired", tick.row))
        expect(tick.row.execution, "t3600")
        expect((await store.fire(_firing(7200.0, overlap="cancel"))).cancelled, "t3600")

    async def test_by_hand_a_schedule_becomes_known(self, new_store: StoreFactory) -> None:
        """It begins then."""
        store = await opened(new_store)
        fired = await store.fire(_firing(1500.0, execution="h", by_hand=True))
        expect(fired.row, ScheduleRow("s", _HOURLY, 1500.0, execution="h"))
        expect(await store.scheduled(), (fired.row,))

    async def test_its_execution_enters_its_queue(self, new_store: StoreFactory) -> None:
        """As any other that does: it waits there, others with its key are told, once, and it may be claimed."""
        store = await _registered(new_store)
        first = await store.fire(_entering(3600.0, "replace"))
        expect((first.outcome, first.told), ("fired", ()))
        second = await store.fire(_entering(7200.0, "replace"))
        expect((second.outcome, second.told, second.row.execution), ("fired", ("t3600",), "t7200"))
        journal = await store.load("t3600")
        expect([each.payload for each in journal.messages] if journal else None, [b'"why"'])
        expect(journal.row.slot if journal else None, Slot.WAIVED)
        claimed = await store.claim_queued(claim("w1", now=9000.0), [QueueLimits("q")])
        expect([each.id for each in claimed.rows], ["t7200"])

    async def test_a_tick_whose_execution_is_not_let_into_its_queue_is_skipped(self, new_store: StoreFactory) -> None:
        """Because others have its key, or its dedup key; nothing is created, and nobody is told."""
        store = await _registered(new_store)
        await store.fire(_entering(3600.0, "reject", dedup_key="d"))
        skipped = await store.fire(_entering(7200.0, "reject", overlap="cancel"))
        expect((skipped.outcome, skipped.refusal, skipped.by), ("skipped", "rejected", "t3600"))
        expect((skipped.row.execution, skipped.row.skipped, skipped.row.reason), ("t3600", 7200.0, "rejected"))
        again = await store.fire(_entering(10800.0, "queue", dedup_key="d"))
        expect((again.outcome, again.refusal, again.by), ("skipped", "duplicate", "t3600"))
        by_hand = await store.fire(_entering(11000.0, "reject", by_hand=True))
        expect((by_hand.outcome, by_hand.refusal, by_hand.row), ("skipped", "rejected", again.row))
        journal = await store.load("t3600")
        expect(journal.messages if journal else None, ())
        expect([await store.load(each) for each in ("t7200", "t10800", "t11000")], [None] * 3)


def _entering(at: float, policy: Policy, *, dedup_key: str = "", **details: Any) -> Firing:
    firing = _firing(at, **details)
    where = {"queue": "q", "queue_key": "k", "slot": Slot.WAITING, "dedup_key": dedup_key}
    created = row(f"t{at:.0f}", owner="", status=Status.PENDING, available_at=at, **where)
    return dataclasses.replace(firing, execution=created, terms=Terms(policy, 1, b'"why"'))
