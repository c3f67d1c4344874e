"""How times, durations and states are written for a person. Pure."""

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TENTHS_BELOW = 10

STATE_STYLES = {
    "live": "green", "ready": "green", "succeeded": "green",
    "failed": "red", "build_failed": "red", "deploy_failed": "red", "timed_out": "red",
    "reverted": "yellow", "canceled": "yellow", "compensating": "yellow", "removing": "yellow", "deleting": "yellow",
    "superseded": "dim",
}  # fmt: skip
"""The style in which a state is shown; those that are not named are shown plainly."""


def duration(seconds: float) -> str:
    """Return a duration as a person says it.

    Example:
        >>> duration(1.34), duration(72), duration(7380)
        ('1.3 s', '1 min 12 s', '2 h 3 min')
    """
    seconds = max(seconds, 0.0)
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{int(seconds) // _MINUTE} min {int(seconds) % _MINUTE} s"
    return f"{int(seconds) // _HOUR} h {int(seconds) % _HOUR // _MINUTE} min"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was.

    Example:
        >>> ago(datetime(2026, 1, 1, 11, 0), datetime(2026, 1, 1, 12, 30))
        '1 h ago'
    """
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def first_line(text: str, width: int) -> str:
    """Return the first line of a text that says something, cut to a width."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= width else f"{line[: max(width - 1, 0)]}…"
