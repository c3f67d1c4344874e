"""What the demo prints: headings, facts, what is waited for, and the table at the end."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TextIO

from euryale.kit.clock import SYSTEM_CLOCK

_QUIET_EVERY: Final = 20.0


def _styled(text: str, code: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def say(text: str = "") -> None:
    """Print a line."""
    _write(sys.stdout, f"{text}\n")


def heading(text: str) -> None:
    """Begin a part of the demo."""
    say(f"\n{_styled(f'== {text}', '1')}")


def fact(text: str) -> None:
    """Print something that was seen and checked."""
    say(f"  {_styled('ok', '32')} {text}")


def problem(text: str) -> None:
    """Print what went wrong."""
    _write(sys.stderr, f"{_styled(text, '31')}\n")


def seconds(taken: float) -> str:
    """Return a duration as it is printed."""
    return f"{taken:.1f} s" if taken < 60 else f"{int(taken // 60)} min {taken % 60:.0f} s"  # noqa: PLR2004 -- a minute


class Progress:
    """A line that says what is waited for, and for how long; without a terminal, a line now and then.

    Args:
        what: What is waited for.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = SYSTEM_CLOCK.monotonic()
        self._state = ""
        self._printed = self._began
        self._live = sys.stdout.isatty()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return SYSTEM_CLOCK.monotonic() - self._began

    def show(self, state: str) -> None:
        """Say how it stands."""
        line = f"  .. {self._what}: {seconds(self.elapsed)}" + (f", {state}" if state else "")
        if self._live:
            _write(sys.stdout, f"\r\x1b[K{line[: _columns()]}")
        elif state != self._state or SYSTEM_CLOCK.monotonic() - self._printed > _QUIET_EVERY:
            say(line)
            self._printed = SYSTEM_CLOCK.monotonic()
        self._state = state

    def clear(self) -> None:
        """Leave the line to what comes next."""
        if self._live:
            _write(sys.stdout, "\r\x1b[K")


def _columns() -> int:
    try:
        return max(20, os.get_terminal_size().columns - 1)
    except OSError:
        return 100


@dataclass(slots=True)
class Stopwatch:
    """What took how long, in order.

    Attributes:
        laps: What was done, and the seconds it took.
    """

    laps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def lap(self, what: str) -> Iterator[None]:
        """Measure a block, if it succeeds; it stands before what was measured within it."""
        began, place = SYSTEM_CLOCK.monotonic(), len(self.laps)
        yield
        self.laps.insert(place, (what, SYSTEM_CLOCK.monotonic() - began))

    def took(self, what: str) -> float:
        """Return the seconds that something took."""
        return dict(self.laps)[what]


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return two columns, the second one to the right."""
    left = max(len(name) for name, _ in rows)
    right = max(len(shown) for _, shown in rows)
    return "\n".join(f"  {name:<{left}}  {shown:>{right}}" for name, shown in rows)
