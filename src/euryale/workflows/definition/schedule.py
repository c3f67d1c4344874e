"""Schedules: which workflow begins when, by the clock."""

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, Final, Generic, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from euryale.workflows.definition.cadence import Cadence, Cron, Interval
from euryale.workflows.definition.checks import (
    check_count,
    check_type,
    in_seconds,
    is_duration,
    is_whole,
    refusal,
    takes,
)
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import DefinitionError

I = TypeVar("I")  # noqa: E741 -- the input's type

Overlap = Literal["allow", "forbid", "cancel"]
CatchUp = Literal["none", "latest", "all"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_NEVER: Final = float("inf")


@dataclass(frozen=True)  # slots would refuse Schedule[...](...) in Python 3.11
class Schedule(Generic[I]):
    """A workflow that is started by the clock: once at each tick, however many workers there are.

    The execution of a tick has the id ``schedule:<name>:<tick>``, the tick in UTC as ``2026-01-31T03:00:00Z``. A new
    schedule begins with the first tick after it was registered, which is when an engine that has it is opened first.

    Attributes:
        name: Its name: letters, digits, ``-``, ``_`` and ``.``, at most 100. A schedule is known by it, so keep it.
        workflow: What is started.
        input: Its input; or a function that is given the tick, as a datetime in the schedule's time zone, and returns
            it. Each worker may call the function: it is pure and quick.
        cron: When: minute, hour, day of the month, month, day of the week.
        every: When, instead: seconds, or a timedelta; whole seconds, counted from the epoch.
        timezone: The time zone of ``cron`` (an IANA name).
        overlap: What happens at a tick if the execution of the former one has not ended (nor been undone): ``allow``:
            both go on; ``forbid``: the tick is skipped; ``cancel``: the former one is cancelled.
        catch_up: What happens to ticks at which no worker was there, for more than a minute: ``none``: they are
            skipped; ``latest``: the last of them fires, late; ``all``: each of them does, in order.
        catch_up_limit: How many ticks ``all`` fires at the most, the last ones; those before them are skipped.
        jitter: Seconds, or a timedelta, within which an execution begins after its tick; how long is drawn from the
            tick, so it is the same for all workers.
        priority: See ``Engine.start``.
        deduplicate: While an execution with this key has not ended in the workflow's queue, ticks are skipped.

    Raises:
        DefinitionError: If it cannot be right; the message says what to change.

    Example:
        >>> nightly = Schedule("nightly", report, cron="0 3 * * *", timezone="Europe/Berlin", overlap="forbid")
    """

    name: str
    workflow: Workflow[I, Any]
    input: I | Callable[[datetime], I] | None = None
    _: KW_ONLY
    cron: str | None = None
    every: float | timedelta | None = None
    timezone: str = "UTC"
    overlap: Overlap = "allow"
    catch_up: CatchUp = "latest"
    catch_up_limit: int = 100
    jitter: float | timedelta = 0.0
    priority: int = 0
    deduplicate: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or _NAME.fullmatch(self.name) is None:
            raise DefinitionError(
                f"{self.name!r} cannot be the name of a schedule.",
                hint="Use letters, digits, '-', '_' and '.', at most 100.",
            )
        self._check_types()
        if (self.cron is None) == (self.every is None):
            raise self._wrong("say when: either cron=... or every=...")
        if self.every is not None and self.timezone != "UTC":
            raise self._wrong("an interval knows no time zone: leave timezone out, or use cron")
        if self.overlap not in get_args(Overlap) or self.catch_up not in get_args(CatchUp):
            raise self._wrong("overlap is allow, forbid or cancel, and catch_up is none, latest or all")
        if not 0 <= in_seconds(self.jitter) < _NEVER:
            raise self._wrong("jitter is at least 0 seconds")
        if self.deduplicate and self.workflow.queue is None:
            raise self._wrong("nothing is deduplicated without a queue: give the workflow one")
        _ = self.cadence

    def _check_types(self) -> None:
        what = f"Schedule({self.name!r})"
        check_type(self.workflow, Workflow, f"{what}: workflow", "a workflow", "Pass what @workflow(...) made.")
        check_type(self.cron, (str, NoneType), f"{what}: cron", "a text", "Write cron='0 3 * * *'; or every=seconds.")
        check_type(self.timezone, str, f"{what}: timezone", "an IANA name", "Write timezone='Europe/Berlin'.")
        if self.every is not None and not is_duration(self.every):
            raise refusal(f"{what}: every", self.every, "seconds, or a timedelta", "Five minutes are 300.")
        if not is_duration(self.jitter):
            raise refusal(f"{what}: jitter", self.jitter, "seconds, or a timedelta")
        check_count(self.catch_up_limit, f"{what}: catch_up_limit", least=1)
        if not is_whole(self.priority):
            raise refusal(f"{what}: priority", self.priority, "a whole number")
        check_type(self.deduplicate, str, f"{what}: deduplicate", "a text")
        if callable(self.input) and not takes(self.input, 1):
            hint = "Write lambda tick: ..., or give the input itself."
            raise refusal(f"{what}: input", self.input, "a function of one parameter, the tick", hint)

    def _wrong(self, what: str) -> DefinitionError:
        return DefinitionError(f"Schedule {self.name!r}: {what}.")

    @property
    def cadence(self) -> Cadence:
        """When its ticks are."""
        if self.cron is not None:
            return Cron(self.cron, self.timezone)
        seconds = in_seconds(self.every or 0.0)
        if not 1 <= seconds < _NEVER or seconds != int(seconds):
            raise self._wrong("every is whole seconds, at least 1")
        return Interval(int(seconds))

    @property
    def jitter_seconds(self) -> float:
        """The longest time between a tick and the beginning of its execution."""
        return in_seconds(self.jitter)

    def input_at(self, tick: float) -> Any:
        """Return the input of a tick's execution.

        Args:
            tick: Seconds since the epoch.

        Raises:
            Exception: What the function raises that makes it.
        """
        if callable(self.input):
            return self.input(datetime.fromtimestamp(tick, ZoneInfo(self.timezone)))
        return self.input


def tick_id(schedule: str, tick: float) -> str:
    """Return the id of the execution of a tick, given in seconds since the epoch."""
    return f"schedule:{schedule}:{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}"
