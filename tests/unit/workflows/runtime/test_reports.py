"""Each report is documented, and carries what the documentation says."""

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import Engine, ExecutionFailed, Retry, Schedule, emit, for_each, sleep, step, when, workflow
from euryale.workflows.record.states import EntryKind
from euryale.workflows.runtime.feed import ENDED, STARTED, UNDO_ENDED, UNDO_STARTED
from euryale.workflows.runtime.reports import REPORTS
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import FlakyStore, PassingTime


@step(retry=Retry(max_attempts=2, initial=0, jitter=False))
async def work(number: int) -> int:
    if number < 0:
        raise RuntimeError("negative")
    return number


@work.compensate(retry=Retry(max_attempts=2, initial=0, jitter=False))
async def _(undo: int | None) -> None:
    if undo == 2:
        raise RuntimeError("it stays")


@workflow("inner")
def inner(number: int) -> int:
    return work(number)


@workflow("waiting")
def waiting(number: int) -> None:
    sleep(86400)


@workflow("outer")
def outer(numbers: list[int]) -> list[int]:
    inner(1)
    sleep(0)
    when(numbers, bool).then(lambda: work(2))
    emit("done", 1)
    return for_each(numbers, work)


async def fire_schedules(telemetry):
    """Let ticks fire, be skipped, and come late."""
    clock = ManualClock()
    store = MemoryStore(shared=True, clock=clock)
    hourly = Schedule("hourly", waiting, 1, every=3600, overlap="forbid")
    one, other = (Engine(store, schedules=[hourly], clock=clock, telemetry=telemetry) for _ in range(2))
    async with one, other:
        await PassingTime(one, clock).advance(2 * 3600)


async def test_what_is_reported_is_what_is_documented():
    reported, store = [], FlakyStore(MemoryStore())
    engine = Engine(store)
    engine.telemetry.attach(lambda name, payload: reported.append((name, payload)))
    async with engine:
        await engine.run(outer, [1, 2])
        await engine.run(outer, [])
        with pytest.raises(ExecutionFailed):
            await engine.run(outer, [1, -1], id="failing")
        await engine.retry("failing")
        store.fail("write")
        await engine.run(inner, 1, id="i1")
        await (await engine.fork("i1", "work")).result()
    async with Engine(store, telemetry=engine.telemetry, workflows=[inner]):
        pass
    await fire_schedules(engine.telemetry)
    seen = {name for name, _ in reported}
    assert seen <= set(REPORTS)
    for name, payload in reported:
        documented = set(REPORTS[name].payload)
        assert set(payload) == documented, name
    unseen = set(REPORTS) - seen
    assert unseen <= {
        "workflow.execution.stranded",
        "workflow.step.adopted",
        "workflow.step.timed_out",
        "workflow.worker.lost",
        "workflow.worker.reaped",
    }


def test_every_kind_of_entry_is_documented():
    names = {*EntryKind, STARTED, ENDED, UNDO_STARTED, UNDO_ENDED} - {EntryKind.FORKED, EntryKind.RERUN}
    assert {f"workflow.{name}" for name in names} <= set(REPORTS)
