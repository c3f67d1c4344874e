"""Cadences: when the ticks of a schedule are. Pure, and the same for every process that knows the schedule."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from euryale.workflows.errors import DefinitionError

try:
    from cronsim import CronSim, CronSimError
except ImportError as error:  # an extra: whoever has no cron expressions needs no cron
    _NO_CRON: ImportError | None = error
else:
    _NO_CRON = None

_SOME_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
_FIELDS: Final = 5
_FIRST_WINDOW: Final = 3600.0
_NEVER: Final = float("inf")


class Cadence(Protocol):
    """When ticks are. Times are whole seconds since the epoch."""

    def following(self, after: float) -> float:
        """Return the first tick after a moment; infinity if there is none."""
        ...

    def latest(self, after: float, until: float, limit: int) -> tuple[float, ...]:
        """Return the last ticks after a moment and not after another, at most ``limit``, in order."""
        ...

    def __str__(self) -> str:
        """Return a text that :func:`parse_cadence` reads."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """Ticks at equal distances, counted from the epoch: so all processes have the same ones.

    Attributes:
        seconds: The distance.
    """

    seconds: int

    def following(self, after: float) -> float:
        """See :class:`Cadence`."""
        return float((after // self.seconds + 1) * self.seconds)

    def latest(self, after: float, until: float, limit: int) -> tuple[float, ...]:
        """See :class:`Cadence`."""
        last, first = int(until // self.seconds), int(after // self.seconds) + 1
        return tuple(float(tick * self.seconds) for tick in range(max(first, last - limit + 1), last + 1))

    def __str__(self) -> str:
        return f"every {self.seconds}"


@dataclass(frozen=True, slots=True)
class Cron:
    """Ticks by a cron expression, in a time zone.

    A time of day that a change of the clocks leaves out is the moment at which they go on; one that comes twice is the
    first of the two. Expressions with ``*`` for the minute or the hour follow real time through both.

    Attributes:
        expression: Five fields: minute, hour, day of the month, month, day of the week.
        zone: The time zone's IANA name.

    Raises:
        DefinitionError: If the expression or the zone cannot be right, or there is never a tick.
    """

    expression: str
    zone: str
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if _NO_CRON is not None:
            raise DefinitionError(
                "Cron expressions need cronsim, which is not installed.",
                hint="pip install 'euryale[schedules]', or say every=... instead.",
            ) from _NO_CRON
        object.__setattr__(self, "_zone", _zone_of(self.zone))
        if len(self.expression.split()) != _FIELDS:
            raise _bad(self.expression, "it has not five fields")
        try:
            first = self.following(_SOME_DAY)
        except (CronSimError, AssertionError, ValueError) as error:
            raise _bad(self.expression, str(error)) from error
        if first == _NEVER:
            raise _bad(self.expression, "there is no such day")

    def following(self, after: float) -> float:
        """See :class:`Cadence`."""
        for tick in CronSim(self.expression, datetime.fromtimestamp(after, self._zone)):
            if (found := tick.timestamp()) > after:  # in an hour that comes twice it begins again with the first one
                return found
        return _NEVER

    def latest(self, after: float, until: float, limit: int) -> tuple[float, ...]:
        """See :class:`Cadence`."""
        window = _FIRST_WINDOW
        while True:
            start = max(after, until - window)
            found = self._between(start, until)
            if len(found) >= limit or start <= after:
                return found[-limit:]
            window *= 4

    def _between(self, after: float, until: float) -> tuple[float, ...]:
        found = []
        while (after := self.following(after)) <= until:
            found.append(after)
        return tuple(found)

    def __str__(self) -> str:
        return f"cron {' '.join(self.expression.split())} {self.zone}"


def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise DefinitionError(
            f"There is no time zone {name!r}.",
            hint="Use an IANA name such as 'Europe/Berlin'; where the system has none, pip install tzdata.",
        ) from error


def _bad(expression: str, why: str) -> DefinitionError:
    return DefinitionError(
        f"{expression!r} is no cron expression: {why}.",
        hint="Use minute, hour, day of the month, month, day of the week, as in '0 3 * * *' or '*/15 8-18 * * 1-5'.",
    )


def parse_cadence(text: str) -> Cadence:
    """Return the cadence that a text says.

    Raises:
        DefinitionError: If it says none.
    """
    kind, _, rest = text.partition(" ")
    if kind == "every" and rest.isdigit() and int(rest):
        return Interval(int(rest))
    if kind == "cron":
        expression, _, zone = rest.rpartition(" ")
        return Cron(expression, zone)
    raise DefinitionError(f"{text!r} is no cadence.", hint="It was written by a later version: use that.")
