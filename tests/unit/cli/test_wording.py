"""Times and texts as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from euryale.cli.wording import ago, duration, first_line

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (-1, "0.0 s"), (1.34, "1.3 s"), (42, "42 s"), (72, "1 min 12 s"), (7380, "2 h 3 min")],
)
def test_a_duration(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(5, "just now"), (61, "1 min ago"), (7300, "2 h ago"), (2e5, "2 d ago")])
def test_how_long_ago(seconds: float, text: str):
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(("text", "line"), [("", ""), ("\n  a  \nb", "a"), ("0123456789", "0123456…")])
def test_the_first_line_fits(text: str, line: str):
    assert first_line(text, 8) == line
