"""The wall clock of real workers is set back by an hour and forth by a day under load; timers keep to it, all else not.

See what is promised under "Time" in docs/explanation/guarantees.md.
"""

import asyncio
import contextlib
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from euryale.kit.clock import SYSTEM_CLOCK
from euryale.workflows import ExecutionQuery
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.postgres import PostgresStore
from euryale.workflows.stores.sqlite import SQLiteStore
from eventually import eventually
from moved_clock import WallClock

WORKER = Path(__file__).with_name("clock_worker.py")
COUNT = 400
FEW = 5
LEASE = 4.0
HOUR = 3600.0
DAY = 24 * HOUR
NOTICED_WITHIN = 15.0
A_MOMENT = 15.0
PATIENCE = 90.0
SLEEPERS = {f"{flow}-{number}" for flow in ("nap", "ask", "vigil") for number in range(FEW)}
ENDED = {f"order-{at}": "reverted" if at % 3 == 0 else "succeeded" for at in range(COUNT)} | dict.fromkeys(
    SLEEPERS, "succeeded"
)
SUCCEEDED = Counter({("do", "reserve", 1): 1, ("do", "reserve", 2): 1, ("do", "ship", 1): 1})
REVERTED = SUCCEEDED + Counter({("undo", "reserve", 1): 1, ("undo", "reserve", 2): 1})


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of a worker."""

    execution: str
    kind: str
    step: str
    attempt: int
    at: float


class Fleet:
    """Worker processes that share a wall clock, as on one machine."""

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        self.effects_file = folder / "effects"
        self.effects_file.touch()
        self.complaints_file = folder / "complaints"
        self.clock = WallClock(folder / "clock")
        self.workers: list[asyncio.subprocess.Process] = []

    async def start(self, count: int) -> None:
        arguments = (sys.executable, str(WORKER), self.store, str(self.effects_file), str(count))
        with self.complaints_file.open("ab") as complaints:
            worker = await asyncio.create_subprocess_exec(
                *arguments, stdout=asyncio.subprocess.PIPE, stderr=complaints, env=self.clock.environment
            )
        self.workers.append(worker)
        assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"open\n"

    async def stop(self) -> str:
        """End all; return what they complained about."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.terminate()
        hung = [worker for worker in self.workers if not await self._ends(worker)]
        assert not hung, "they do not end"
        return self.complaints_file.read_text()

    async def _ends(self, worker: asyncio.subprocess.Process) -> bool:
        try:
            await asyncio.wait_for(worker.communicate(), 30)
        except TimeoutError:
            worker.kill()
            await worker.wait()
            return False
        return True

    def effects(self) -> list[Effect]:
        lines = (line.split() for line in self.effects_file.read_text().splitlines())
        return [Effect(execution, kind, step, int(attempt), float(at)) for execution, kind, step, attempt, at in lines]

    async def ship(self, orders: int) -> None:
        """Wait until that many orders were shipped by the clock as it is now."""
        await eventually(lambda: self._shipped() >= orders, within=PATIENCE, every=0.1)

    def _shipped(self) -> int:
        return sum(each.step == "ship" and abs(each.at - self.tell_time()) < HOUR / 2 for each in self.effects())

    def awake(self) -> set[str]:
        return {effect.execution for effect in self.effects() if effect.step == "wake"} & SLEEPERS

    def tell_time(self) -> float:
        """Return what the clock shows, by this process's own."""
        return SYSTEM_CLOCK.now().timestamp() + self.clock.ahead


async def disturb(fleet: Fleet, leases) -> None:
    """Set the clock back by an hour and forth by a day while orders are placed, and let all of them end."""
    await fleet.ship(20)
    await leases()
    for ahead in (-HOUR, DAY - HOUR):
        assert fleet.awake() == set()
        fleet.clock.set(ahead)
        set_at = fleet.tell_time()
        await fleet.ship(60)
        if ahead < 0:
            await leases()
            assert fleet.awake() == set(), "by the wall clock it is too early"
    await eventually(lambda: fleet.awake() == SLEEPERS, within=NOTICED_WITHIN + A_MOMENT)
    assert all(
        effect.at >= set_at for effect in fleet.effects() if effect.execution in SLEEPERS and effect.step == "wake"
    )
    await leases()
    for worker in fleet.workers:
        worker.send_signal(signal.SIGUSR1)


async def check(fleet: Fleet, store) -> None:
    reader = store.reader()
    await reader.open()
    try:
        rows = await eventually(lambda: all_ended(reader), within=PATIENCE, every=0.2)
        check_effects(fleet.effects())
        for row in rows:
            check_journal((await reader.load(row.id)).entries)
    finally:
        await reader.close()


async def all_ended(reader):
    rows = [row for row in await reader.list(ExecutionQuery(limit=10_000)) if row.workflow != "tick"]
    return rows if {row.id: row.status for row in rows} == ENDED else []


def check_effects(effects: list[Effect]) -> None:
    """Nobody died: so each attempt was made once, and those that failed were repeated once."""
    for at in range(COUNT):
        story = Counter((each.kind, each.step, each.attempt) for each in effects if each.execution == f"order-{at}")
        assert story == (REVERTED if at % 3 == 0 else SUCCEEDED)
    others = Counter((each.execution, each.step) for each in effects if not each.execution.startswith("order-"))
    assert set(others.values()) == {1}, "each tick is fired once, each sleeper woken once"
    ticks = [each.execution for each in effects if each.execution.startswith("schedule:")]
    assert len(ticks) > FEW


def check_journal(entries) -> None:
    """What was to be waited for was waited for, as the clock had it."""
    due = {}
    for entry in entries:
        assert entry.at >= due.pop(entry.step, 0.0), f"{entry.step} goes on too early"
        if entry.due is not None:
            due[entry.step] = entry.due
    recorded = Counter((entry.kind, entry.step) for entry in entries)
    assert recorded[EntryKind.FINISHED, ""] == 1


@pytest.mark.slow
async def test_workers_on_postgres_keep_their_leases_and_everything_ends(server, tmp_path):
    fleet = Fleet(server.url, tmp_path)
    sql = None
    try:
        for count in (COUNT, 0, 0):
            await fleet.start(count)
        sql = await asyncpg.connect(server.url, server_settings={"search_path": "euryale"})
        owners = await members(sql)
        assert len(owners) == len(fleet.workers)

        async def leases() -> None:
            """Wait until all have renewed after one lease: who was taken for dead would not be here any more."""
            until = await sql.fetchval("SELECT clock_timestamp() + $1 * interval '1 second'", 2 * LEASE)
            renewed = "SELECT bool_and(lease_until > $1) FROM workers"
            await eventually(lambda: sql.fetchval(renewed, until), within=PATIENCE, every=0.1)
            assert await members(sql) == owners

        await disturb(fleet, leases)
        await check(fleet, PostgresStore(server.url))
        assert await members(sql) == owners
    finally:
        if sql is not None:
            await sql.close()
        complaints = await fleet.stop()
    assert "dead" not in complaints
    assert "Traceback" not in complaints


async def members(sql) -> set[str]:
    return {owner for (owner,) in await sql.fetch("SELECT owner FROM workers")}


@pytest.mark.slow
async def test_a_worker_on_sqlite_keeps_its_file_and_everything_ends(tmp_path):
    fleet = Fleet(str(tmp_path / "clock.db"), tmp_path)

    async def leases() -> None:
        assert all(worker.returncode is None for worker in fleet.workers)

    try:
        await fleet.start(COUNT)
        await disturb(fleet, leases)
        await check(fleet, SQLiteStore(tmp_path / "clock.db"))
    finally:
        complaints = await fleet.stop()
    assert "Traceback" not in complaints
