"""A process dies at every call of its store, before and after it took effect; the next one goes on.

What is compared with an undisturbed run: how it ends, its result, what was done and undone, in which order, what the
journal says, and which events were delivered.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from crash_scenarios import (
    SCENARIOS,
    Scenario,
    World,
    cancelled_while_waiting,
    everything,
    everything_undone,
    fanned_undone,
    not_undone,
    outcome,
    signalled_while,
)
from euryale.workflows import Engine, ExecutionQuery, JsonCodec, ReleasedEvent, Status
from euryale.workflows.ports import Store
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import CrashingStore, KillPoint, kill_points
from eventually import eventually
from mortal_process import live_or_die

AGAIN = [KillPoint(2, after=True), KillPoint(4, after=False), KillPoint(6, after=True)]
ON_DISK = {everything, everything_undone, not_undone, cancelled_while_waiting, signalled_while, fanned_undone}
ON_A_SERVER = {everything_undone, cancelled_while_waiting, signalled_while}
KEY = JsonCodec.new_key()
Stores = Callable[[], Store]


@dataclass
class Trial:
    """One scenario over one store's data, in as many processes as it takes."""

    world: World
    scenario: Scenario
    new_store: Stores
    result: Any = None
    crashes: int = 0

    async def process(self, kill: KillPoint | None) -> CrashingStore:
        """Be a process that drives the execution until its end, or until it dies."""
        store = CrashingStore(self.new_store(), kill)
        self.world.effects.alive = lambda: not store.crashed.is_set()
        codec = JsonCodec(keys=(KEY,))
        flow = self.scenario.flow
        clock = self.world.clock
        engine = Engine(store, workflows=[flow], deliver=self._deliver, codec=codec, clock=clock, rest_after=0.001)
        self.crashes += await live_or_die(engine, store, self._live(engine, store), self.new_store)
        return store

    async def _live(self, engine: Engine, store: CrashingStore) -> None:
        await engine.open()
        acting = [asyncio.create_task(self.scenario.act(engine, self.world))] if self.scenario.act else []
        self.result = await outcome(engine, self.scenario.flow)
        for each in acting:
            each.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        if self.scenario.afterwards:
            await self.scenario.afterwards(engine, self.world)
        await eventually(lambda: self._all_is_over(store), every=0.001)

    async def _all_is_over(self, store: CrashingStore) -> bool:
        """Look past the store that may crash."""
        if store.crashed.is_set():
            return True
        rows = await store._store.list(ExecutionQuery())
        return all(row.status.ended for row in rows) and not await store._store.released(1)

    async def _deliver(self, event: ReleasedEvent) -> None:
        if not self.world.effects.alive():
            await asyncio.Event().wait()
        self.world.delivered.append(event.name)


def trial(build: Callable[[World], Scenario], new_store: Stores) -> Trial:
    world = World()
    return Trial(world, build(world), new_store)


async def undisturbed(build: Callable[[World], Scenario], new_store: Stores) -> tuple[Trial, int]:
    """Return what happens without a crash, and how many calls of the store that takes."""
    whole = trial(build, new_store)
    store = await whole.process(None)
    return whole, len(store.calls)


async def check(crashed: Trial, whole: Trial) -> None:
    """Compare a trial that crashed with one that did not."""
    store = crashed.new_store()
    await store.open()
    try:
        rows = {row.id: row for row in await store.list(ExecutionQuery())}
        assert rows["e"].status is crashed.scenario.status
        assert all(row.status.ended for row in rows.values()), "every execution has ended"
        assert await store.released(10) == ()
        for execution_id in rows:
            check_journal((await store.load(execution_id)).entries)
    finally:
        await store.close()
    assert crashed.result == whole.result
    check_effects(crashed, whole)
    check_deliveries(crashed, whole)


def check_journal(entries) -> None:
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    counted = Counter((entry.kind, entry.step) for entry in entries)
    for kind in (EntryKind.STEP_SUCCEEDED, EntryKind.UNDO_SUCCEEDED, EntryKind.CHOSEN, EntryKind.EMITTED):
        assert all(count == 1 for (each, _), count in counted.items() if each is kind), "an effect is recorded once"
    assert entries[-1].kind is EntryKind.FINISHED
    written = b"".join(part for entry in entries for part in (entry.payload, entry.undo) if part is not None)
    assert b"password of" not in written, "a secret is written in no plain text"


def check_effects(crashed: Trial, whole: Trial) -> None:
    effects, usual = crashed.world.effects, whole.world.effects
    done, undone = Counter(effects.done()), Counter(effects.undone())
    allowed = crashed.crashes
    assert all(count <= Counter(usual.done())[name] + allowed for name, count in done.items() if name in usual.done())
    if crashed.scenario.status is Status.SUCCEEDED:
        assert set(done) == set(usual.done())
        assert not undone
    else:
        assert effects.standing() == usual.standing()
        usually = Counter(usual.undone())
        assert all(count <= max(1, usually[name]) + allowed for name, count in undone.items())
        kinds = [effect.kind for effect in effects if effect.name not in crashed.scenario.apart]
        assert "do" not in kinds[kinds.index("undo") :], "nothing is done any more once undoing has begun"
    order = crashed.scenario.order
    assert in_order(effects.done(), order)
    assert in_order(effects.undone(), order[::-1])


def in_order(names: tuple[str, ...], order: tuple[str, ...]) -> bool:
    """Return whether each name's first time is after the first time of those before it."""
    first = [names.index(name) for name in order if name in names]
    return first == sorted(first)


def check_deliveries(crashed: Trial, whole: Trial) -> None:
    delivered, usual = Counter(crashed.world.delivered), Counter(whole.world.delivered)
    assert set(delivered) == set(usual)
    assert all(count <= usual[name] + crashed.crashes for name, count in delivered.items())


@pytest.fixture
def memory():
    """Return what makes a store factory over fresh data."""

    def fresh() -> Stores:
        store = MemoryStore()
        return lambda: store

    return fresh


@pytest.fixture
def sqlite(tmp_path):
    made = iter(range(10_000))

    def fresh() -> Stores:
        path = tmp_path / f"{next(made)}.db"
        return lambda: SQLiteStore(path, durability="process")

    return fresh


@pytest.fixture
async def postgres(server):
    made = []

    def fresh() -> Stores:
        schema = f"crash_{len(made)}"
        made.append(schema)
        return lambda: PostgresStore(server.url, schema=schema, durability="process")

    yield fresh
    connection = await asyncpg.connect(server.url)
    for schema in made:
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()


@pytest.mark.parametrize("build", SCENARIOS, ids=lambda build: build.__name__)
async def test_an_undisturbed_run_ends_as_it_should(memory, build):
    whole, calls = await undisturbed(build, memory())
    await check(whole, whole)
    assert calls > 4


@pytest.mark.parametrize("build", SCENARIOS, ids=lambda build: build.__name__)
async def test_a_crash_at_any_call_of_the_store_in_memory(memory, build):
    whole, calls = await undisturbed(build, memory())
    await crash_everywhere(build, whole, calls, memory)


def quick(chosen):
    """Return all scenarios; those that are not chosen are for long runs."""
    return [pytest.param(each, marks=() if each in chosen else pytest.mark.long) for each in SCENARIOS]


@pytest.mark.parametrize("build", quick(ON_DISK), ids=lambda build: build.__name__)
async def test_a_crash_at_any_call_of_the_store_on_sqlite(sqlite, build):
    whole, calls = await undisturbed(build, sqlite())
    await crash_everywhere(build, whole, calls, sqlite)


@pytest.mark.parametrize("build", quick(ON_A_SERVER), ids=lambda build: build.__name__)
async def test_a_crash_at_any_call_of_the_store_on_postgres(postgres, build):
    whole, calls = await undisturbed(build, postgres())
    await crash_everywhere(build, whole, calls, postgres, at_once=6)


async def crash_everywhere(build, whole, calls, fresh, *, at_once=1) -> None:
    turns = asyncio.Semaphore(at_once)

    async def crash(kill) -> int:
        async with turns:
            crashed = trial(build, fresh())
            await crashed.process(kill)
            await crashed.process(None)
            try:
                await check(crashed, whole)
            except AssertionError as error:
                raise AssertionError(f"{kill}: {error}\n{list(crashed.world.effects)}") from error
            return crashed.crashes

    crashes = await asyncio.gather(*map(crash, kill_points(calls)))
    assert sum(crashes) >= calls  # those after the last call may not come to it: how often events are looked for varies


@pytest.mark.parametrize("build", [everything, everything_undone], ids=lambda build: build.__name__)
@pytest.mark.parametrize(
    "again", [KillPoint(2, after=True), KillPoint(4, after=False), KillPoint(6, after=True)], ids=str
)
async def test_a_crash_during_the_recovery_from_a_crash(memory, build, again):
    whole, calls = await undisturbed(build, memory())
    for kill in kill_points(calls):
        crashed = trial(build, memory())
        for each in (kill, again, None):
            await crashed.process(each)
        try:
            await check(crashed, whole)
        except AssertionError as error:
            raise AssertionError(f"{kill}, then {again}: {error}\n{list(crashed.world.effects)}") from error
