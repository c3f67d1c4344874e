"""Schedules as they are declared: cadences, time zones, and what is refused."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.workflows import DefinitionError, Schedule, workflow
from euryale.workflows.definition.cadence import Cron, Interval, parse_cadence
from euryale.workflows.definition.schedule import tick_id

BERLIN = ZoneInfo("Europe/Berlin")


@workflow("report")
def report(name: str) -> str:
    return name


def ticks(cadence, start: datetime, count: int) -> list[str]:
    after, found = start.timestamp(), []
    for _ in range(count):
        after = cadence.following(after)
        found.append(f"{datetime.fromtimestamp(after, start.tzinfo):%d %H:%M%z}")
    return found


@pytest.mark.parametrize(
    ("expression", "start", "found"),
    [
        ("30 2 * * *", (2026, 3, 28), ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]),
        ("30 2 * * *", (2026, 10, 24), ["24 02:30+0200", "25 02:30+0200", "26 02:30+0100"]),
        ("0 2,3 * * *", (2026, 3, 29), ["29 03:00+0200", "30 02:00+0200", "30 03:00+0200"]),
        ("30 * * * *", (2026, 10, 25, 1), ["25 01:30+0200", "25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]),
        ("30 * * * *", (2026, 3, 29, 1), ["29 01:30+0100", "29 03:30+0200", "29 04:30+0200"]),
        ("*/30 2 * * *", (2026, 3, 29), ["30 02:00+0200", "30 02:30+0200"]),
        ("0 9 * * MON-FRI", (2026, 5, 8, 10), ["11 09:00+0200", "12 09:00+0200"]),
        ("0 0 L * *", (2026, 2, 1), ["28 00:00+0100", "31 00:00+0200"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_cron_expression_is_read_in_its_time_zone(expression, start, found):
    assert ticks(Cron(expression, "Europe/Berlin"), datetime(*start, tzinfo=BERLIN), len(found)) == found


@given(
    expression=st.sampled_from(["30 2 * * *", "0 2,3 * * *", "*/30 2 * * *", "30 * * * *", "*/7 1-4 * * *"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    day=st.sampled_from(["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04"]),
    into=st.integers(0, 3 * 24 * 3600),
)
def test_the_next_tick_is_the_same_whenever_one_asks(expression, zone, day, into):
    """Also in an hour that comes twice: each process asks at another moment."""
    cadence, start = Cron(expression, zone), datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
    walked = start
    while walked <= start + into:
        walked = cadence.following(walked)
    assert cadence.following(start + into) == walked


@given(
    cadence=st.sampled_from([Interval(7), Interval(3600), Cron("*/7 1-4 * * *", "Europe/Berlin")]),
    after=st.integers(1_700_000_000, 1_700_300_000),
    span=st.integers(0, 300_000),
    limit=st.integers(1, 20),
)
def test_the_latest_ticks_are_the_last_of_all(cadence, after, span, limit):
    found, tick = [], float(after)
    until = after + min(span, 5000) if cadence == Interval(7) else after + span
    while (tick := cadence.following(tick)) <= until:
        found.append(tick)
    assert list(cadence.latest(after, until, limit)) == found[-limit:]


def test_the_latest_of_many_years_is_found_at_once():
    cadence = Cron("* * * * *", "Europe/Berlin")
    assert cadence.latest(0.0, 1_800_000_000.0, 2) == (1_799_999_940.0, 1_800_000_000.0)


def test_intervals_count_from_the_epoch():
    assert Interval(3600).following(3599.5) == 3600.0
    assert Interval(3600).following(3600.0) == 7200.0
    assert Schedule("s", report, "x", every=timedelta(hours=2)).cadence == Interval(7200)


@pytest.mark.parametrize("cadence", [Interval(90), Cron("0  3 * * *", "Europe/Berlin")])
def test_a_cadence_is_read_from_what_it_writes(cadence):
    assert str(parse_cadence(str(cadence))) == str(cadence)


@pytest.mark.parametrize("text", ["", "every 0", "every x", "moon full", "cron 0 3 * * *"])
def test_a_cadence_that_is_none_is_refused(text):
    with pytest.raises(DefinitionError):
        parse_cadence(text)


@pytest.mark.parametrize(
    ("name", "details", "what"),
    [
        ("a:b", {"every": 60}, "cannot be the name of a schedule"),
        ("", {"every": 60}, "cannot be the name of a schedule"),
        ("x" * 101, {"every": 60}, "at most 100"),
        ("s", {}, "either cron=... or every=..."),
        ("s", {"cron": "0 3 * * *", "every": 60}, "either cron=... or every=..."),
        ("s", {"every": 0}, "whole seconds, at least 1"),
        ("s", {"every": 1.5}, "whole seconds"),
        ("s", {"every": float("nan")}, "whole seconds"),
        ("s", {"every": 60, "timezone": "Europe/Berlin"}, "knows no time zone"),
        ("s", {"cron": "0 3 * *"}, "it has not five fields"),
        ("s", {"cron": "61 * * * *"}, "Bad minute"),
        ("s", {"cron": "0 0 30 2 *"}, "no cron expression"),
        ("s", {"cron": "0 0 * * MON#9"}, "Bad day-of-week"),
        ("s", {"cron": "0 3 * * *", "timezone": "Europe/Berln"}, "no time zone 'Europe/Berln'"),
        ("s", {"cron": "0 3 * * *", "timezone": "/etc/passwd"}, "no time zone"),
        ("s", {"every": 60, "overlap": "skip"}, "allow, forbid or cancel"),
        ("s", {"every": 60, "catch_up": "some"}, "none, latest or all"),
        ("s", {"every": 60, "catch_up_limit": 0}, "at least 1"),
        ("s", {"every": 60, "jitter": -1}, "at least 0 seconds"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_declared(name, details, what):
    with pytest.raises(DefinitionError) as refused:
        Schedule(name, report, "x", **details)
    assert what in str(refused.value)


def test_an_input_may_be_a_function_of_the_tick():
    schedule = Schedule("s", report, lambda tick: f"{tick:%d %H:%M%z}", cron="0 3 * * *", timezone="Europe/Berlin")
    assert schedule.input_at(datetime(2026, 7, 1, 1, tzinfo=UTC).timestamp()) == "01 03:00+0200"
    assert Schedule("s", report, "x", every=60).input_at(0.0) == "x"


def test_the_id_of_a_tick_says_when_it_is():
    assert (
        tick_id("nightly", datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()) == "schedule:nightly:2026-03-29T01:00:00Z"
    )


def test_without_its_library_cron_says_what_to_install():
    program = (
        "import sys; sys.modules['cronsim'] = None\n"
        "from euryale.workflows import DefinitionError, Schedule, workflow\n"
        "report = workflow('r')(lambda: None)\n"
        "Schedule('s', report, every=60)\n"
        "try:\n    Schedule('s', report, cron='0 3 * * *')\n"
        "except DefinitionError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "euryale[schedules]" in ran.stdout
