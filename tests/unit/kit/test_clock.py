"""Clocks: the machine's, and the one that a test moves."""

import asyncio
from datetime import UTC, datetime

import pytest

from euryale.kit import machine_time
from euryale.kit.clock import SYSTEM_CLOCK, Alarm, ManualClock, pause_until
from euryale.kit.machine_time import utc_now


def test_the_machines_time_is_aware_and_in_utc():
    assert utc_now().tzinfo is UTC
    assert SYSTEM_CLOCK.now() <= utc_now()
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()


def test_seconds_since_the_epoch_survive_the_way_through_a_datetime():
    for _ in range(1000):
        seconds = SYSTEM_CLOCK.timestamp()
        assert datetime.fromtimestamp(seconds, UTC).timestamp() == seconds
    assert SYSTEM_CLOCK.now().timestamp() - seconds < 60


def test_a_manual_clock_stands_still_until_it_is_moved():
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC), 90.0)


def test_moments_shorter_than_a_microsecond_add_up():
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    for _ in range(10):
        clock.advance(0.3e-6)
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 0, 3, tzinfo=UTC)


def test_a_manual_clock_is_not_advanced_backward():
    with pytest.raises(ValueError, match="set_wall_clock"):
        ManualClock().advance(-30)


def test_setting_the_wall_clock_back_does_not_take_elapsed_time_back():
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(90)
    clock.set_wall_clock(-30)
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 1, 1, 0, 1, tzinfo=UTC), 90.0)


@pytest.fixture
def rung():
    return []


def alarm_in(seconds, clock, rung):
    """Return an alarm that takes note of when it rings."""
    return Alarm(clock, clock.now().timestamp() + seconds, lambda: rung.append(clock.monotonic()))


def test_an_alarm_rings_once_at_its_moment(rung):
    clock = ManualClock()
    alarm_in(60, clock, rung)
    clock.advance(59)
    assert rung == []
    clock.advance(3600)
    clock.set_wall_clock(3600)
    assert rung == [60]


def test_an_alarm_rings_when_the_wall_clock_is_set_past_its_moment(rung):
    clock = ManualClock()
    alarm_in(3600, clock, rung)
    clock.set_wall_clock(3601)
    assert rung == [0]
    clock.advance(7200)
    assert rung == [0]


def test_an_alarm_waits_longer_when_the_wall_clock_is_set_back_and_less_when_it_is_set_forth_again(rung):
    clock = ManualClock()
    alarm_in(60, clock, rung)
    clock.set_wall_clock(-3600)
    clock.advance(100)
    assert rung == []
    clock.set_wall_clock(3000)
    clock.advance(1000)
    assert rung == [660]


def test_an_alarm_that_is_cancelled_does_not_ring(rung):
    clock = ManualClock()
    alarm = alarm_in(60, clock, rung)
    alarm.cancel()
    clock.set_wall_clock(3600)
    clock.advance(3600)
    alarm.cancel()
    assert rung == []


def test_a_watch_that_another_cancels_is_not_called(rung):
    clock = ManualClock()
    watches = []

    def first() -> None:
        rung.append("first")
        watches[1].cancel()

    watches += [clock.on_jump(first), clock.on_jump(lambda: rung.append("second"))]
    clock.set_wall_clock(1)
    assert rung == ["first"]


async def test_a_pause_until_a_moment_that_is_over_is_none():
    clock = ManualClock()
    await pause_until(clock, clock.now().timestamp() - 1)
    assert clock.next_timer() is None


async def test_the_machines_clock_notices_that_it_was_set(monkeypatch, rung):
    distances = iter((100.0, 100.1, 3700.1, 3700.1, 100.1))
    monkeypatch.setattr(machine_time, "distance", lambda: next(distances))
    loop, looks = asyncio.get_running_loop(), []
    monkeypatch.setattr(loop, "call_later", lambda _, look: looks.append(look))
    SYSTEM_CLOCK.on_jump(lambda: rung.append(len(looks)))
    while len(looks) < 5:
        looks[-1]()
    assert rung == [3, 5], "in the second look, and in the fourth: the next one is set by then"
