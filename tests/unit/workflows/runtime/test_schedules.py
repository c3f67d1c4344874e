"""Schedules in engines: one firing per tick, whatever happens to workers and clocks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    LATER,
    DefinitionError,
    Engine,
    EngineClosedError,
    ExecutionQuery,
    OverlapError,
    PayloadError,
    Queue,
    QueueRejectedError,
    Schedule,
    Status,
    StoreError,
    UnknownScheduleError,
    step,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import CrashingStore, FlakyStore, PassingTime, kill_points
from eventually import eventually

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return ManualClock(START)


class Reports:
    """A workflow that notes what it was given."""

    def __init__(self):
        self.made = []

        @step
        async def make(name: str) -> str:
            self.made.append(name)
            return name

        @workflow("report")
        def report(name: str) -> str:
            return make(name)

        self.workflow = report

    def hourly(self, **details):
        return Schedule("hourly", self.workflow, "{:%d-%H}".format, **{"every": HOUR, **details})


@pytest.fixture
def reports():
    return Reports()


@step(completes="externally")
async def approval(name: str) -> str:
    return LATER


@workflow("slow")
def slow(name: str) -> str:
    return approval(name)


def heard(engine, name):
    found = []

    def listen(what, payload):
        if what == f"workflow.schedule.{name}":
            found.append(payload)

    engine.telemetry.attach(listen)
    return found


def moment(payload) -> str:
    return f"{datetime.fromtimestamp(payload['tick'], UTC):%d %H:%M}"


async def ids(engine) -> list[str]:
    return sorted(each.id for each in await engine.list(ExecutionQuery(limit=1000)))


async def test_a_year_of_daily_firings(clock, reports):
    nightly = Schedule(
        "nightly", reports.workflow, "{:%m-%d %H:%M}".format, cron="30 2 * * *", timezone="Europe/Berlin"
    )
    async with Engine(MemoryStore(), schedules=[nightly], clock=clock) as engine:
        await PassingTime(engine, clock).advance(365 * DAY)
        assert len(reports.made) == len(set(reports.made)) == 365
        assert "03-29 03:00" in reports.made, "02:30 does not exist that day"
        assert reports.made.count("10-25 02:30") == 1, "02:30 comes twice that day"
        (view,) = await engine.schedules()
    assert view.last_tick == datetime(2026, 12, 31, 1, 30, tzinfo=UTC)
    assert view.next_tick == datetime(2027, 1, 1, 1, 30, tzinfo=UTC)
    assert view.last_execution == "schedule:nightly:2026-12-31T01:30:00Z"
    assert (view.name, view.workflow, view.cadence) == ("nightly", "report", "cron 30 2 * * * Europe/Berlin")


async def test_it_fires_at_its_ticks_and_not_before(clock, reports):
    async with Engine(MemoryStore(), schedules=[reports.hourly()], clock=clock) as engine:
        time, fired = PassingTime(engine, clock), heard(engine, "fired")
        (view,) = await engine.schedules()
        assert (view.last_tick, view.next_tick) == (None, START + HOUR)
        await time.advance(3599)
        assert reports.made == []
        await time.advance(1)
        assert reports.made == ["01-01"]
        assert await engine.handle("schedule:hourly:2026-01-01T01:00:00Z").status() is Status.SUCCEEDED
    assert [(each["execution"], each["by_hand"]) for each in fired] == [("schedule:hourly:2026-01-01T01:00:00Z", False)]


async def test_nothing_happens_between_ticks(clock, reports):
    """No fixed poll: the next timer of an engine at rest is the next tick."""
    yearly = Schedule("yearly", reports.workflow, "x", cron="0 0 1 6 *")
    async with Engine(MemoryStore(), schedules=[yearly], clock=clock) as engine:
        await PassingTime(engine, clock).settle()
        assert clock.next_timer() == (datetime(2026, 6, 1, tzinfo=UTC) - START).total_seconds()


@pytest.mark.parametrize("workers", [1, 3])
async def test_each_tick_fires_once_in_a_fleet(clock, reports, workers):
    store = MemoryStore(shared=True, clock=clock)
    engines = [Engine(store, schedules=[reports.hourly()], clock=clock) for _ in range(workers)]
    for engine in engines:
        await engine.open()
    for _ in range(24):
        for engine in engines:
            await PassingTime(engine, clock).settle()
        clock.advance(3600)
    await eventually(lambda: len(reports.made) == 24)
    for engine in engines:
        await PassingTime(engine, clock).settle()
    assert len(await ids(engines[0])) == 24
    for engine in engines:
        await engine.close()
    assert len(set(reports.made)) == 24


async def test_with_a_concurrency_of_0_it_fires_nothing_but_by_hand(clock, reports):
    store = MemoryStore(shared=True, clock=clock)
    async with Engine(store, schedules=[reports.hourly()], clock=clock, concurrency=0) as client:
        time = PassingTime(client, clock)
        await time.advance(5 * HOUR)
        assert await ids(client) == []
        assert await store.scheduled() == ()
        handle = await client.trigger("hourly")
        async with Engine(store, schedules=[reports.hourly()], clock=clock):
            await time.settle()
            assert await handle.result() == "01-05"


async def test_a_new_schedule_begins_with_its_registration(clock, reports):
    clock.advance(90 * 60)
    async with Engine(MemoryStore(), schedules=[reports.hourly(catch_up="all")], clock=clock) as engine:
        await PassingTime(engine, clock).advance(HOUR)
    assert reports.made == ["01-02"]


async def downtime(clock, schedule, away: timedelta) -> tuple[list, list]:
    """Let an engine be away for a time; return what fired and what was skipped when it is back."""
    store = MemoryStore()
    async with Engine(store, schedules=[schedule], clock=clock) as engine:
        await PassingTime(engine, clock).advance(HOUR)
    clock.advance(away.total_seconds())
    engine = Engine(store, schedules=[schedule], clock=clock)
    fired, skipped = heard(engine, "fired"), heard(engine, "skipped")
    async with engine:
        await PassingTime(engine, clock).settle()
        (view,) = await engine.schedules()
    assert view.skip_reason == ("missed" if skipped else "")
    return [moment(each) for each in fired], [moment(each) for each in skipped]


@pytest.mark.parametrize(
    ("details", "fired", "skipped"),
    [
        ({"catch_up": "none"}, [], ["01 05:00"]),
        ({"catch_up": "latest"}, ["01 05:00"], ["01 04:00"]),
        ({"catch_up": "all"}, ["01 02:00", "01 03:00", "01 04:00", "01 05:00"], []),
        ({"catch_up": "all", "catch_up_limit": 2}, ["01 04:00", "01 05:00"], ["01 03:00"]),
    ],
    ids=str,
)
async def test_missed_ticks_are_caught_up_by_policy(clock, reports, details, fired, skipped):
    assert await downtime(clock, reports.hourly(**details), 4.5 * HOUR) == (fired, skipped)


async def test_a_tick_of_the_last_minute_is_not_missed(clock, reports):
    assert await downtime(clock, reports.hourly(catch_up="none"), HOUR + timedelta(seconds=30)) == (["01 02:00"], [])


async def test_a_changed_cadence_fires_no_old_ticks(clock, reports):
    store = MemoryStore()
    async with Engine(store, schedules=[reports.hourly()], clock=clock) as engine:
        await PassingTime(engine, clock).advance(2 * HOUR)
    clock.advance(3 * 3600 + 60)
    changed = reports.hourly(every=None, cron="30 * * * *", catch_up="all")
    async with Engine(store, schedules=[changed], clock=clock) as engine:
        await PassingTime(engine, clock).advance(HOUR)
    assert reports.made == ["01-01", "01-02", "01-05"], "05:30 is the first after 05:01"


async def test_the_cadence_that_was_registered_last_counts_for_all(clock, reports):
    store = MemoryStore(shared=True, clock=clock)
    async with Engine(store, schedules=[reports.hourly(every=60)], clock=clock) as old:
        async with Engine(store, schedules=[reports.hourly(every=120)], clock=clock):
            pass
        await PassingTime(old, clock).advance(360)
        assert [each[-9:] for each in await ids(old)] == ["00:02:00Z", "00:04:00Z", "00:06:00Z"]
        (view,) = await old.schedules()
        assert view.cadence == "every 120"


async def test_no_tick_fires_twice_when_the_clock_is_set_back(clock, reports, caplog):
    store = MemoryStore()
    async with Engine(store, schedules=[reports.hourly(catch_up="all")], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await time.advance(3 * HOUR)
        clock.set_wall_clock(-2 * 3600)
        await time.advance(2 * HOUR)
        assert reports.made == ["01-01", "01-02", "01-03"]
        await time.advance(HOUR)
        assert reports.made == ["01-01", "01-02", "01-03", "01-04"]
        clock.set_wall_clock(-3 * 3600)
    async with Engine(store, schedules=[reports.hourly(catch_up="all")], clock=clock) as engine:
        await PassingTime(engine, clock).advance(HOUR)
        assert len(reports.made) == 4
    assert "the clock was set back: the schedule hourly has fired until 2026-01-01 04:00:00+00:00" in caplog.text


async def test_a_clock_that_is_set_forward_is_noticed_at_once(clock, reports):
    async with Engine(MemoryStore(), schedules=[reports.hourly()], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await time.settle()
        clock.set_wall_clock(3 * 3600 + 10)
        await time.settle()
    assert reports.made == ["01-03"]


def slow_hourly(**details):
    return Schedule("slow", slow, "x", every=3600, **details)


async def test_a_forbidden_overlap_is_skipped_and_told(clock):
    async with Engine(MemoryStore(), schedules=[slow_hourly(overlap="forbid")], clock=clock) as engine:
        time, skipped = PassingTime(engine, clock), heard(engine, "skipped")
        await time.advance(3 * HOUR)
        assert await ids(engine) == ["schedule:slow:2026-01-01T01:00:00Z"]
        assert [(moment(each), each["reason"]) for each in skipped] == [
            ("01 02:00", "overlap"),
            ("01 03:00", "overlap"),
        ]
        (view,) = await engine.schedules()
        assert (view.last_skipped, view.skip_reason) == (START + 3 * HOUR, "overlap")
        with pytest.raises(OverlapError, match="schedule:slow:2026-01-01T01:00:00Z has not ended"):
            await engine.trigger("slow")
        await engine.complete("schedule:slow:2026-01-01T01:00:00Z/approval", "yes")
        await time.advance(HOUR)
        assert len(await ids(engine)) == 2


async def test_the_former_one_is_cancelled_for_the_next(clock):
    async with Engine(MemoryStore(), schedules=[slow_hourly(overlap="cancel")], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await time.advance(2 * HOUR)
        first, second = await ids(engine)
        assert await engine.wait(first) is Status.REVERTED
        assert (await engine.get(first)).reason == "cancelled"
        assert await engine.handle(second).status() is Status.WAITING


async def test_the_former_one_is_cancelled_while_its_step_runs(clock):
    begun, interrupted = [], asyncio.Event()

    @step
    async def endless(name: str) -> str:
        begun.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            interrupted.set()
        return name

    @workflow("endless")
    def flow(name: str) -> str:
        return endless(name)

    schedule = Schedule("s", flow, "x", every=3600, overlap="cancel")
    async with Engine(MemoryStore(), schedules=[schedule], clock=clock) as engine:
        await PassingTime(engine, clock).advance(HOUR)
        assert not interrupted.is_set()
        await PassingTime(engine, clock).advance(HOUR)
        await interrupted.wait()
        assert await engine.wait("schedule:s:2026-01-01T01:00:00Z") is Status.REVERTED


async def test_a_former_one_on_another_worker_is_cancelled(clock):
    store = MemoryStore(shared=True, clock=clock)
    async with (
        Engine(store, schedules=[slow_hourly(overlap="cancel")], clock=clock, rest_after=1e9) as one,
        Engine(store, schedules=[slow_hourly(overlap="cancel")], clock=clock, rest_after=1e9) as other,
    ):
        for _ in range(2):
            await PassingTime(one, clock).settle()
            await PassingTime(other, clock).settle()
            clock.advance(3600)
        await PassingTime(one, clock).settle()
        assert await one.wait("schedule:slow:2026-01-01T01:00:00Z") is Status.REVERTED


async def test_jitter_delays_the_beginning(clock, reports):
    async with Engine(MemoryStore(), schedules=[reports.hourly(jitter=600)], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await time.advance(HOUR)
        assert (await engine.get("schedule:hourly:2026-01-01T01:00:00Z")).status is Status.PENDING
        await time.advance(600)
        assert reports.made == ["01-01"]


async def test_an_input_that_cannot_be_made_skips_the_tick(clock, reports):
    def broken(tick: datetime) -> str:
        if tick.hour == 1:
            raise RuntimeError("no")
        return f"{tick:%H}"

    async with Engine(
        MemoryStore(), schedules=[Schedule("s", reports.workflow, broken, every=3600)], clock=clock
    ) as engine:
        skipped = heard(engine, "skipped")
        await PassingTime(engine, clock).advance(2 * HOUR)
    assert [each["reason"] for each in skipped] == ["input"]
    assert reports.made == ["02"]


async def test_by_hand(clock, reports):
    async with Engine(MemoryStore(), schedules=[reports.hourly()], clock=clock) as engine:
        handle = await engine.trigger("hourly")
        assert handle.id.startswith("schedule:hourly:hand_")
        await PassingTime(engine, clock).advance(HOUR)
        assert await handle.result() == "01-00"
        assert reports.made == ["01-00", "01-01"]
        with pytest.raises(UnknownScheduleError, match="Registered: hourly"):
            await engine.trigger("weekly")


async def test_what_cannot_work_is_refused_at_once(clock, reports):
    with pytest.raises(DefinitionError, match="Two schedules are called 'hourly'"):
        Engine(MemoryStore(), schedules=[reports.hourly(), reports.hourly()])
    with pytest.raises(PayloadError, match="the input of schedule 's'"):
        Engine(MemoryStore(), schedules=[Schedule("s", reports.workflow, object(), every=60)])
    engine = Engine(MemoryStore(), schedules=[reports.hourly()])
    for call in (engine.schedules(), engine.trigger("hourly")):
        with pytest.raises(EngineClosedError):
            await call


async def test_a_store_that_is_away_delays_a_tick(clock, reports):
    store = FlakyStore(MemoryStore())
    async with Engine(store, schedules=[reports.hourly()], clock=clock) as engine:
        await PassingTime(engine, clock).settle()
        store.fail("fire", times=2, after=True)
        clock.advance(3600)
        await eventually(lambda: reports.made == ["01-01"])
        assert store.failures == 2
    store.fail("register")
    with pytest.raises(StoreError):
        await Engine(store, schedules=[reports.hourly()], clock=clock).open()


@pytest.mark.parametrize("kill", list(kill_points(14)), ids=str)
async def test_a_tick_fires_once_wherever_the_process_dies(clock, reports, kill):
    disk = MemoryStore()
    crashing = CrashingStore(disk, kill)
    engine = Engine(crashing, schedules=[reports.hourly(catch_up="all")], clock=clock)
    attempt = asyncio.create_task(three_hours(engine, clock))
    crash = asyncio.create_task(crashing.crashed.wait())
    await asyncio.wait([attempt, crash], return_when=asyncio.FIRST_COMPLETED)
    attempt.cancel()
    await asyncio.gather(attempt, engine.close(), return_exceptions=True)
    crash.cancel()
    clock.advance((START + 3 * HOUR - clock.now()).total_seconds())
    async with Engine(disk, schedules=[reports.hourly(catch_up="all")], clock=clock) as successor:
        await PassingTime(successor, clock).settle()
        found = await ids(successor)
    registered = kill.call > 3 or (kill.call == 3 and kill.after)
    assert found == [f"schedule:hourly:2026-01-01T{hour:02}:00:00Z" for hour in range(1, 4) if registered]
    assert set(reports.made) == ({"01-01", "01-02", "01-03"} if registered else set())


async def three_hours(engine, clock) -> None:
    await engine.open()
    await PassingTime(engine, clock).advance(3 * HOUR)
    await asyncio.Event().wait()


async def test_it_goes_on_after_a_restart_on_sqlite(clock, reports, tmp_path):
    for _ in range(3):
        async with Engine(SQLiteStore(tmp_path / "s.db"), schedules=[reports.hourly()], clock=clock):
            await eventually(lambda: clock.next_timer() is not None)
            clock.advance(3600)
            wanted = len(reports.made) + 1
            await eventually(lambda count=wanted: len(reports.made) >= count)
    assert reports.made == ["01-01", "01-02", "01-03"]


async def test_who_drains_fires_nothing(clock, reports):
    begun, go = asyncio.Event(), asyncio.Event()

    @step
    async def hold(name: str) -> str:
        begun.set()
        await go.wait()
        return name

    @workflow("held")
    def held(name: str) -> str:
        return hold(name)

    store = MemoryStore(shared=True, clock=clock)
    engine = Engine(store, workflows=[held], schedules=[reports.hourly(every=60)], clock=clock)
    await engine.open()
    await engine.start(held, "x", id="e")
    await begun.wait()
    draining = asyncio.create_task(engine.drain(within=3600))
    await eventually(engine._tools.draining.is_set)
    await PassingTime(engine, clock).advance(120)
    assert [row.name for row in await store.scheduled() if row.fired is not None] == []
    go.set()
    assert await draining is True
    async with Engine(store, schedules=[reports.hourly(every=60)], clock=clock) as successor:
        await PassingTime(successor, clock).settle()
        assert len(reports.made) == 1, "it is caught up by the next one"


async def test_what_it_starts_waits_in_the_queue_of_its_workflow(clock):
    @workflow("one-at-a-time", queue=Queue("narrow", concurrency=1))
    def narrow(name: str) -> str:
        return approval(name)

    schedule = Schedule("s", narrow, "x", every=3600)
    async with Engine(MemoryStore(), schedules=[schedule], clock=clock) as engine:
        await PassingTime(engine, clock).advance(2 * HOUR)
        first, second = await ids(engine)
        assert [(await engine.get(each)).status for each in (first, second)] == [Status.WAITING, Status.PENDING]
        await engine.complete(f"{first}/approval", "yes")
        await PassingTime(engine, clock).settle()
        assert (await engine.get(second)).status is Status.WAITING


def in_queue(policy, **details):
    @workflow("keyed", queue=Queue("keyed", key=lambda name: name, policy=policy))
    def keyed(name: str) -> str:
        return approval(name)

    return Schedule("s", keyed, "x", every=3600, **details)


async def states(engine, clock) -> list[Status]:
    await PassingTime(engine, clock).settle()
    return [(await engine.get(each)).status for each in await ids(engine)]


async def test_what_it_starts_replaces_what_waits_in_the_queue(clock):
    async with Engine(MemoryStore(), schedules=[in_queue("replace")], clock=clock) as engine:
        await PassingTime(engine, clock).advance(3 * HOUR)
        assert await states(engine, clock) == [Status.WAITING, Status.REVERTED, Status.PENDING]
        replaced = await engine.get("schedule:s:2026-01-01T02:00:00Z")
        assert "It was replaced by schedule:s:2026-01-01T03:00:00Z" in replaced.error.message


async def test_what_it_starts_cancels_what_has_begun(clock):
    async with Engine(MemoryStore(), schedules=[in_queue("cancel")], clock=clock) as engine:
        await PassingTime(engine, clock).advance(2 * HOUR)
        assert await states(engine, clock) == [Status.REVERTED, Status.WAITING]
        await engine.trigger("s")
        assert await states(engine, clock) == [Status.REVERTED, Status.REVERTED, Status.WAITING]


async def test_what_has_begun_is_cancelled_as_well_if_the_answer_was_lost(clock):
    store = FlakyStore(MemoryStore())
    async with Engine(store, schedules=[in_queue("cancel")], clock=clock) as engine:
        time = PassingTime(engine, clock)
        await time.advance(HOUR)
        store.fail("fire", after=True)
        await time.advance(HOUR)

        async def is_cancelled() -> bool:
            return await states(engine, clock) == [Status.REVERTED, Status.WAITING]

        await eventually(is_cancelled)


async def test_a_tick_that_the_queue_rejects_is_skipped(clock):
    async with Engine(MemoryStore(), schedules=[in_queue("reject")], clock=clock) as engine:
        skipped = heard(engine, "skipped")
        await PassingTime(engine, clock).advance(2 * HOUR)
        (first,) = await ids(engine)
        assert [(moment(each), each["reason"]) for each in skipped] == [("01 02:00", "rejected")]
        (view,) = await engine.schedules()
        assert (view.skip_reason, view.last_execution) == ("rejected", first)
        with pytest.raises(QueueRejectedError, match="has the key 'x' in queue 'keyed'") as raised:
            await engine.trigger("s")
        assert raised.value.execution == first
        await engine.complete(f"{first}/approval", "yes")
        await PassingTime(engine, clock).advance(HOUR)
        assert len(await ids(engine)) == 2


async def test_ticks_are_deduplicated(clock):
    schedule = in_queue("queue", deduplicate="one")
    async with Engine(MemoryStore(), schedules=[schedule], clock=clock) as engine:
        await PassingTime(engine, clock).advance(2 * HOUR)
        (first,) = await ids(engine)
        assert (await engine.schedules())[0].skip_reason == "duplicate"
        assert (await engine.trigger("s")).id == first, "by hand it is joined"
        await engine.complete(f"{first}/approval", "yes")
        await PassingTime(engine, clock).advance(HOUR)
        assert len(await ids(engine)) == 2
    with pytest.raises(DefinitionError, match="without a queue"):
        Schedule("s", slow, "x", every=3600, deduplicate="one")


async def test_an_engine_is_closed_quietly_while_the_store_is_away(clock, reports):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["message"]))
    store = FlakyStore(MemoryStore(clock=clock))
    engine = Engine(store, schedules=[reports.hourly()], clock=clock)
    await engine.open()
    store.fail("fire", times=-1)
    clock.advance(3600)
    await eventually(lambda: store.failures > 1)
    await engine.close()
    assert failures == []
    store.fail("fire", times=0)
    async with engine:
        await eventually(lambda: reports.made == ["01-01"])
