"""Clocks: the machine's, and the one that a test moves."""

from datetime import UTC, datetime

import pytest

from euryale.kit.clock import SYSTEM_CLOCK, ManualClock, utc_now


def test_the_machines_time_is_aware_and_in_utc():
    assert utc_now().tzinfo is UTC
    assert SYSTEM_CLOCK.now() <= utc_now()
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()


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
