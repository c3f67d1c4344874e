"""What stores keep that workers of several processes share: a behavioural suite beyond that of every store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from euryale.workflows.errors import StoreError
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import Commit, Message, Release, StatusChange
from euryale.workflows.record.states import Status
from euryale.workflows.testing.expect import expect
from euryale.workflows.testing.store_contract import StoreContract
from euryale.workflows.testing.store_samples import StoreFactory, claim, create, entry, opened, row

T = TypeVar("T")

_SHORT = 0.05
_LONG = 60.0
_WITHIN = 10.0


async def _until(probe: Callable[[], Awaitable[T]]) -> T:
    """Return what is found at last."""
    async with asyncio.timeout(_WITHIN):
        while True:
            if found := await probe():
                return found
            await asyncio.sleep(_SHORT / 5)


async def _reap_at_once(*stores: Store) -> list[str]:
    """Return the workers that the stores find dead, all looking at once."""
    return [dead for each in await asyncio.gather(*(store.reap() for store in stores)) for dead in each]


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call again when the store is away: a worker that was taken for dead may be cut off."""
    async with asyncio.timeout(_WITHIN):
        while True:
            try:
                return await call()
            except StoreError:
                await asyncio.sleep(_SHORT / 5)


class SharedStoreContract(StoreContract):
    """Subclass it instead of :class:`StoreContract`; each store that the fixture gives is another process's."""

    async def test_a_worker_that_does_not_renew_is_reaped_once(self, new_store: StoreFactory) -> None:
        """Whoever looks, only one of them is told; what the dead owned is due under the next epoch, nothing else is."""
        dying, first, second = new_store(), await opened(new_store), await opened(new_store)
        await dying.open()
        await dying.enlist("dying", _SHORT)
        await dying.write([create("a", owner="dying")])
        await second.write([create("b")])
        expect(await _until(lambda: _reap_at_once(first, second, second)), ["dying"])
        expect(await second.reap(), ())
        expect(await _patiently(lambda: dying.renew("dying", _LONG)), False)
        expect(await second.renew("w1", _LONG), True)
        expect([(each.id, each.epoch) for each in (await second.claim(claim("w2"))).rows], [("a", 3)])
        expect(await _patiently(lambda: dying.write([Commit("a", 1, (entry(1),))])), frozenset({0}))
        expect(await second.write([Commit("b", 1, (entry(1),))]), frozenset())

    async def test_a_worker_that_is_not_known_gets_nothing(self, new_store: StoreFactory) -> None:
        """Nobody would ever take over from it."""
        store = await opened(new_store)
        await store.write([create("a", owner="", available_at=500.0)])
        await store.retire("w2")
        expect((await store.claim(claim("w2"))).rows, ())
        left = await store.reclaim("a", "w2")
        expect(left.owner if left else None, "")
        expect(await store.write([create("b", owner="w2"), create("c")]), frozenset({0}))
        expect(await store.load("b"), None)

    async def test_what_nobody_owns_is_not_gone_on_with(self, new_store: StoreFactory) -> None:
        """Not under its present epoch either; but what was written already may be repeated."""
        store = await opened(new_store)
        last = Commit("a", 1, (entry(1),), StatusChange(Status.WAITING), release=Release(None, 0))
        await store.write([create("a"), last])
        expect(await store.write([last]), frozenset())
        child = row("a::c", owner="", parent_id="a", root_id="a")
        expect(await store.write([Commit("a", 1, (entry(1), entry(2)))]), frozenset({0}))
        expect(
            await store.write([last, Commit("a", 1, (entry(2),)), Commit("a", 1, create=(child,))]), frozenset({1, 2})
        )
        expect(await store.load("a::c"), None)
        journal = await store.load("a")
        expect(journal.entries if journal else None, (entry(1),))

    async def test_no_execution_is_given_twice(self, new_store: StoreFactory) -> None:
        """However many claim at once."""
        stores = [await opened(new_store) for _ in range(4)]
        names = {f"e{at}" for at in range(200)}
        await stores[0].write([create(name, owner="", available_at=500.0) for name in names])
        taken: list[str] = []

        async def take(store: Store) -> None:
            await store.enlist(f"taker-{id(store)}", _LONG)
            while len(taken) < len(names):
                claimed = await store.claim(claim(f"taker-{id(store)}", limit=7))
                taken.extend(each.id for each in claimed.rows)

        async with asyncio.timeout(_WITHIN):
            await asyncio.gather(*map(take, stores))
        expect((len(taken), set(taken)), (len(names), names))

    async def test_one_of_those_who_create_an_execution_at_once_has_created_it(self, new_store: StoreFactory) -> None:
        """The others are refused, with all that was to be written with it."""
        stores = [await opened(new_store) for _ in range(3)]
        for turn in range(20):
            rows = [row(f"e{turn}", input=b"%d" % at) for at in range(3)]
            commits = [[Commit(each.id, 1, (entry(1),), create=(each,))] for each in rows]
            refused = await asyncio.gather(*(store.write(each) for store, each in zip(stores, commits, strict=True)))
            expect(sum(len(each) for each in refused), 2)
            journal = await stores[0].load(f"e{turn}")
            expect(journal.row if journal else None, rows[refused.index(frozenset())])

    async def test_messages_are_counted_whoever_sends_them(self, new_store: StoreFactory) -> None:
        """Each has a number of its own."""
        stores = [await opened(new_store) for _ in range(4)]
        await stores[0].write([create("a")])
        posts = (stores[at % 4].post(Message("a", "signal", "s", b"1", 1.0, key=str(at))) for at in range(40))
        told = await asyncio.gather(*posts)
        expect(sorted(each.number for each in told if each), list(range(1, 41)))

    async def test_no_message_is_overlooked_by_one_who_lets_go(self, new_store: StoreFactory) -> None:
        """Whichever comes first: told after it was let go of, or let go of after it was told, it is due."""
        store, sender = await opened(new_store), await opened(new_store)
        for turn in range(40):
            name = f"e{turn}"
            await store.write([create(name)])
            await asyncio.gather(
                store.write([Commit(name, 1, release=Release(None, 0))]),
                sender.post(Message(name, "signal", "s", b"1", 1.0)),
            )
            expect([each.id for each in (await sender.claim(claim("w2"))).rows], [name])

    async def test_the_end_of_a_child_is_not_overlooked_by_one_who_lets_go(self, new_store: StoreFactory) -> None:
        """Just so."""
        store, other = await opened(new_store), await opened(new_store)
        for turn in range(40):
            name, child = f"e{turn}", f"e{turn}::c"
            await store.write([create(name)])
            await other.write([create(child, parent_id=name, root_id=name)])
            await asyncio.gather(
                store.write([Commit(name, 1, release=Release(None, 0))]),
                other.write([Commit(child, 1, wake=name)]),
            )
            expect([each.id for each in (await other.claim(claim("w2"))).rows], [name])

    async def test_what_is_announced_reaches_the_others(self, new_store: StoreFactory) -> None:
        """However much it is; nothing once it is listened to no more."""
        teller, hearer = await opened(new_store), await opened(new_store)
        heard, last = set[str](), set[str]()

        async def all_heard() -> bool:
            return notices <= heard

        async def last_heard() -> bool:
            return "told a" in last

        end = hearer.listen(heard.update)
        notices = {"ready", *(f"ended execution-é-{at:04d}" for at in range(1000))}
        await teller.announce(notices)
        await _until(all_heard)
        end()
        hearer.listen(last.update)
        heard.clear()
        await teller.announce(["told a"])
        await _until(last_heard)
        expect(heard, set())

    async def test_what_a_worker_starts_others_go_on_with(self, new_store: StoreFactory) -> None:
        """All that the one wrote the other reads, and writes on."""
        first, second = await opened(new_store), await opened(new_store)
        await first.write([create("a"), Commit("a", 1, (entry(1),))])
        await first.retire("w1")
        taken = (await second.claim(claim("w2"))).rows
        expect([(each.id, each.status) for each in taken], [("a", Status.RUNNING)])
        expect(await second.write([Commit("a", taken[0].epoch, (entry(2),))]), frozenset())
        journal = await first.load("a")
        expect(journal.entries if journal else None, (entry(1), entry(2)))
