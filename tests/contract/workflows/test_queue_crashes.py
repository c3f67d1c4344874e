"""A process dies at every call of its store while executions of one key are started; the next one starts them again.

However it dies, no two executions of the key are ever under way at once, undoing included, and all of them end.
"""

import asyncio
import contextlib

import pytest

from euryale.workflows import Engine, ExecutionQuery, Queue, Status, step, workflow
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import CrashingStore, KillPoint, kill_points
from eventually import eventually
from mortal_process import live_or_die

POLICIES = ["queue", "replace", "cancel", "reject"]
IDS = ["a-1", "a-2", "a-3"]


class Trial:
    """Starts of one key over one store's data, in as many processes as it takes."""

    def __init__(self, policy, new_store) -> None:
        self.new_store = new_store
        self.under_way: set[str] = set()
        self.most = 0
        self.begun: list[str] = []
        self.undone: list[str] = []
        self.go = asyncio.Event()

        @step
        async def work(name: str) -> str:
            self.begun.append(name)
            with self.counted(name):
                await self.go.wait()
            return name

        @work.compensate
        async def _(undo: str | None, *, name: str) -> None:
            with self.counted(name):
                self.undone.append(name)

        queue = Queue("q", key=lambda name: name.partition("-")[0], policy=policy)

        @workflow("flow", queue=queue)
        def flow(name: str) -> str:
            return work(name)

        self.flow = flow

    @contextlib.contextmanager
    def counted(self, name: str):
        self.under_way.add(name)
        self.most = max(self.most, len(self.under_way))
        try:
            yield
        finally:
            self.under_way.discard(name)

    async def process(self, kill: KillPoint | None) -> CrashingStore:
        """Be a process that starts all of them, and drives them to their ends or until it dies."""
        store = CrashingStore(self.new_store(), kill)
        self.go.clear()
        engine = Engine(store, workflows=[self.flow])
        await live_or_die(engine, store, self.live(engine), self.new_store)
        return store

    async def live(self, engine: Engine) -> None:
        await engine.open()
        started = [await self.start(engine, IDS[0])]
        await eventually(lambda: self.has_begun(engine, IDS[0]), every=0.001)
        started += [await self.start(engine, name) for name in IDS[1:]]
        self.go.set()
        for name, is_started in zip(IDS, started, strict=True):
            if is_started:
                await engine.wait(name)
        if not all(started):
            await engine.start(self.flow, IDS[-1], id=IDS[-1])
            await engine.wait(IDS[-1])

    async def start(self, engine: Engine, name: str) -> bool:
        try:
            await engine.start(self.flow, name, id=name)
        except Exception as error:
            if type(error).__name__ != "QueueRejectedError":
                raise
            return False
        return True

    async def has_begun(self, engine: Engine, name: str) -> bool:
        return name in self.under_way or (await engine.get(name)).status not in {Status.PENDING, Status.RUNNING}

    async def check(self, policy) -> None:
        store = self.new_store()
        await store.open()
        try:
            rows = {row.id: row.status for row in await store.list(ExecutionQuery())}
        finally:
            await store.close()
        assert self.most == 1, "one at a time"
        assert rows[IDS[-1]] is Status.SUCCEEDED, rows
        assert set(rows.values()) <= {Status.SUCCEEDED, Status.REVERTED}, rows
        if policy in {"queue", "reject"}:
            assert set(rows.values()) == {Status.SUCCEEDED}
        if policy == "cancel":
            assert [name for name, status in rows.items() if status is Status.SUCCEEDED] == [IDS[-1]]
        assert {name for name, status in rows.items() if status is Status.REVERTED} >= set(self.undone)


async def run_matrix(policy, stores, trial_type=Trial, among=None) -> None:
    """Die at every call, or at those of these names; then, in a second process, be left alone."""
    whole = trial_type(policy, next(stores))
    calls = (await whole.process(None)).calls
    await whole.check(policy)
    crashes = 0
    points = [each for each in kill_points(len(calls)) if among is None or calls[each.call - 1] in among]
    for point in points:
        trial = trial_type(policy, next(stores))
        crashes += (await trial.process(point)).crashed.is_set()
        await trial.process(None)
        try:
            await trial.check(policy)
        except AssertionError as error:
            raise AssertionError(f"{policy}, {point}: {error}") from error
    assert crashes > len(points) / 2, "it did die"


@pytest.mark.parametrize("policy", POLICIES)
async def test_in_memory(policy):
    def stores():
        while True:
            store = MemoryStore()
            yield lambda store=store: store

    await run_matrix(policy, stores())


@pytest.mark.parametrize("policy", ["replace", "cancel"])
async def test_on_sqlite(policy, tmp_path):
    def stores():
        for number in range(1000):
            path = tmp_path / f"{number}.db"
            yield lambda path=path: SQLiteStore(path, durability="process")

    await run_matrix(policy, stores())


@pytest.mark.parametrize("policy", ["replace", "cancel"])
async def test_on_postgres(policy, server, schema, sql):
    class Emptied(Trial):
        async def process(self, kill: KillPoint | None) -> CrashingStore:
            if not self.begun and await sql.fetchval("SELECT to_regclass('executions') IS NOT NULL"):
                await sql.execute("TRUNCATE executions, entries, messages, events, workers")
            return await super().process(kill)

    def stores():
        while True:
            yield lambda: PostgresStore(server.url, schema=schema)

    await run_matrix(policy, stores(), Emptied, among={"enter", "claim_queued", "post"})
