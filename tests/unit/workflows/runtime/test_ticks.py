"""Which ticks fire after a pause, by policy."""

import pytest

from euryale.workflows.definition.cadence import Interval
from euryale.workflows.runtime.ticks import Due, delay, due

HOURLY = Interval(3600)
NOW = 5 * 3600.0


@pytest.mark.parametrize(
    ("catch_up", "limit", "after", "now", "expected"),
    [
        ("none", 100, NOW, NOW + 3599, Due(None, None)),
        ("none", 100, NOW - 3600, NOW, Due(NOW, None)),
        ("none", 100, NOW - 3600, NOW + 59, Due(NOW, None)),
        ("none", 100, NOW - 3600, NOW + 60, Due(None, NOW)),
        ("none", 100, 0.0, NOW, Due(NOW, NOW - 3600)),
        ("latest", 100, 0.0, NOW, Due(NOW, NOW - 3600)),
        ("latest", 100, NOW - 3600, NOW + 3000, Due(NOW, None)),
        ("all", 100, 0.0, NOW, Due(3600.0, None)),
        ("all", 5, 0.0, NOW, Due(3600.0, None)),
        ("all", 4, 0.0, NOW, Due(7200.0, 3600.0)),
        ("all", 1, 0.0, NOW, Due(NOW, NOW - 3600)),
    ],
)
def test_what_is_due(catch_up, limit, after, now, expected):
    assert due(HOURLY, after, now, catch_up, limit) == expected


def test_a_clock_that_was_set_back_makes_nothing_due():
    assert due(HOURLY, NOW, NOW - 7200, "all", 100) == Due(None, None)


def test_jitter_is_drawn_from_the_tick():
    delays = [delay("s", tick * 3600.0, 60.0) for tick in range(200)]
    assert delays == [delay("s", tick * 3600.0, 60.0) for tick in range(200)]
    assert all(0 <= each < 60 for each in delays)
    assert max(delays) - min(delays) > 50
    assert delay("s", 3600.0, 0.0) == 0.0
