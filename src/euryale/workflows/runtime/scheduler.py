"""The scheduler: fires the ticks of schedules, each once in the whole fleet, however many workers try."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

from msgspec import structs

from euryale.kit.clock import Timer
from euryale.kit.ids import new_id
from euryale.workflows.definition.cadence import Cadence, parse_cadence
from euryale.workflows.definition.schedule import Schedule, tick_id
from euryale.workflows.errors import DefinitionError, OverlapError, StoreError, UnknownScheduleError
from euryale.workflows.ports import Store
from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.queueing import Terms
from euryale.workflows.record.schedule import Fired, Firing, ScheduleRow
from euryale.workflows.runtime import reports
from euryale.workflows.runtime.creation import new_row
from euryale.workflows.runtime.queues import queued, rejection, terms_of
from euryale.workflows.runtime.run import Tools
from euryale.workflows.runtime.ticks import delay, due

_log = logging.getLogger("euryale.workflows")
_NEVER: Final = float("inf")
_AHEAD: Final = 3600.0


class Told(Protocol):
    """Is told what a firing came to."""

    def __call__(self, created: ExecutionRow | None, cancelled: Collection[str], *, look: bool = False) -> None:
        """Take in which execution was created, and which were cancelled; ``look``: perhaps others were, too."""
        ...


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """What can be seen of a schedule.

    Attributes:
        name: Its name.
        workflow: What it starts.
        cadence: When: ``cron <expression> <time zone>`` or ``every <seconds>``, as it was registered last.
        last_tick: The last tick that fired.
        next_tick: The next one; None if there is none.
        last_execution: The execution that it started last, by a tick or by hand; empty if there is none.
        last_skipped: The last tick that was skipped.
        skip_reason: Why it was: ``overlap``, ``missed``, ``input``, ``rejected`` or ``duplicate``; empty if none was.
    """

    name: str
    workflow: str
    cadence: str
    last_tick: datetime | None
    next_tick: datetime | None
    last_execution: str
    last_skipped: datetime | None
    skip_reason: str


class Scheduler:
    """Fires schedules.

    Args:
        store: Where it is kept how far they are.
        tools: What executions share.
        schedules: All that are known.
        told: Is told what was created and what was cancelled.

    Raises:
        DefinitionError: If two have one name.
        PayloadError: If an input cannot be written.
    """

    def __init__(self, store: Store, tools: Tools, schedules: Iterable[Schedule[Any]], told: Told) -> None:
        self._store = store
        self._tools = tools
        self._told = told
        self._schedules: dict[str, Schedule[Any]] = {}
        self._rows: dict[str, ScheduleRow] = {}
        self._cadences: dict[str, Cadence] = {}
        self._woken = asyncio.Event()
        self._timer: Timer | None = None
        for each in schedules:
            if self._schedules.setdefault(each.name, each) is not each:
                raise DefinitionError(f"Two schedules are called {each.name!r}.", hint="Give one another name.")
            if not callable(each.input):
                self._encode(each, each.input)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to fire."""
        return not self._schedules

    async def start(self) -> None:
        """Register all schedules.

        Raises:
            StoreError: If the store is away.
        """
        for schedule in self._schedules.values():
            row = await self._store.register(schedule.name, str(schedule.cadence), self._tools.now())
            self._adopt(row)
            if row.decided > self._tools.now() + _AHEAD:
                _log.warning(
                    "the clock was set back: the schedule %s has fired until %s, and goes on after that; "
                    "to go on at once, give it another name",
                    row.name,
                    _moment(row.decided),
                )
        self._woken.set()

    async def run(self) -> None:
        """Fire until cancelled: when the next tick comes, and when the clock was set."""
        jumps = self._tools.clock.on_jump(self._woken.set)
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                if self._tools.draining.is_set():
                    return
                for schedule in self._schedules.values():
                    await self._catch_up(schedule)
                self._set_timer()
        except StoreError:
            if not self._tools.patience.is_over:  # else whoever is open next decides the tick
                raise
        finally:
            jumps.cancel()
            self._cancel_timer()

    def _adopt(self, row: ScheduleRow) -> None:
        known = self._rows.get(row.name)
        self._rows[row.name] = row
        if known is None or known.cadence != row.cadence:
            self._cadences[row.name] = parse_cadence(row.cadence)

    def _set_timer(self) -> None:
        self._cancel_timer()
        now = self._tools.now()
        wake = min(self._cadences[name].following(row.decided) for name, row in self._rows.items())
        if wake < _NEVER:
            self._timer = self._tools.clock.call_later(max(wake - now, 0.0), self._woken.set)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _catch_up(self, schedule: Schedule[Any]) -> None:
        """Decide every tick of a schedule until now."""
        while True:
            row, cadence, now = self._rows[schedule.name], self._cadences[schedule.name], self._tools.now()
            next_up = due(cadence, row.decided, now, schedule.catch_up, schedule.catch_up_limit)
            if next_up.missed is not None:
                await self._fire(schedule, self._skip(schedule, next_up.missed, "missed"))
            elif next_up.fire is not None:
                await self._fire(schedule, self._firing(schedule, next_up.fire))
            else:
                return

    def _skip(self, schedule: Schedule[Any], tick: float, reason: str) -> Firing:
        return Firing(schedule.name, self._rows[schedule.name].cadence, tick, None, reason=reason)

    def _firing(self, schedule: Schedule[Any], tick: float) -> Firing:
        execution_id = tick_id(schedule.name, tick)
        try:
            execution = self._execution(schedule, execution_id, tick)
        except Exception:  # noqa: BLE001 -- the function is the user's
            _log.exception("the tick %s is skipped: its input cannot be made", execution_id)
            return self._skip(schedule, tick, "input")
        cadence, terms = self._rows[schedule.name].cadence, self._terms(schedule, execution)
        return Firing(schedule.name, cadence, tick, execution, schedule.overlap, terms=terms)

    def _terms(self, schedule: Schedule[Any], execution: ExecutionRow) -> Terms | None:
        return terms_of(execution, schedule.workflow.queue, self._tools.codec)

    async def _fire(self, schedule: Schedule[Any], firing: Firing) -> Fired:
        """Have a tick decided, by whoever comes first, and tell what this came to."""
        what = f"firing the schedule {schedule.name}"
        former = self._rows.get(schedule.name)
        firing = self._traced(schedule, firing)
        fired = await self._tools.patience.outlast(what, partial(self._store.fire, firing))
        self._adopt(fired.row)
        if fired.outcome == "fired":
            self._told(firing.execution, [each for each in (fired.cancelled, *fired.told) if each])
        elif firing.execution is not None and fired.row.execution == firing.execution.id:
            # another worker was quicker, or it was this one, and the answer was lost
            cancelled = [former.execution] if former and former.execution and firing.overlap == "cancel" else []
            self._told(firing.execution, cancelled, look=firing.terms is not None)
        self._report(schedule, firing, fired)
        return fired

    def _traced(self, schedule: Schedule[Any], firing: Firing) -> Firing:
        """Return the firing with the trace context that its execution is to be traced under."""
        if firing.execution is None or not self._tools.telemetry.is_heard:
            return firing
        carrier: dict[str, str] = {}
        self._tools.telemetry.report(reports.FIRING, **_told_of(schedule, firing), carrier=carrier)
        trace = carrier.get("traceparent", "")
        return replace(firing, execution=structs.replace(firing.execution, trace=trace))

    def _report(self, schedule: Schedule[Any], firing: Firing, fired: Fired) -> None:
        report, details = self._tools.telemetry.report, _told_of(schedule, firing)
        if fired.outcome == "fired":
            report(reports.FIRED, **{**details, "execution": fired.row.execution}, cancelled=fired.cancelled)
        elif fired.outcome == "skipped":
            reason = firing.reason or fired.refusal or "overlap"
            _log.warning("a tick of the schedule %s is skipped (%s)", schedule.name, reason)
            report(reports.SKIPPED, **details, reason=reason)
        else:
            report(reports.LATE, **details)

    async def trigger(self, name: str) -> tuple[Schedule[Any], str]:
        """Fire a schedule out of turn; return it with the id of the execution, or of the one that this joins.

        Raises:
            UnknownScheduleError: If there is none of that name.
            OverlapError: If it forbids overlaps and the former execution has not ended.
            QueueRejectedError: If others have its key in the workflow's queue, and that rejects.
            Exception: What the function raises that makes the input.
        """
        schedule = self._schedules.get(name)
        if schedule is None:
            known = ", ".join(self._schedules) or "none"
            raise UnknownScheduleError(f"No schedule is called {name!r}.", hint=f"Registered: {known}.")
        now = self._tools.now()
        execution = self._execution(schedule, f"schedule:{name}:{new_id('hand')}", now, spread=False)
        cadence, terms = str(schedule.cadence), self._terms(schedule, execution)
        firing = Firing(name, cadence, now, execution, schedule.overlap, by_hand=True, terms=terms)
        fired = await self._fire(schedule, firing)
        if fired.refusal == "rejected":
            raise rejection(execution, fired.by)
        if fired.refusal == "duplicate":
            return schedule, fired.by
        if fired.outcome != "fired":
            raise OverlapError(
                f"{name!r} forbids overlaps, and {fired.row.execution} has not ended.",
                hint="Wait for it, or cancel it.",
            )
        return schedule, execution.id

    def _execution(self, schedule: Schedule[Any], execution_id: str, at: float, *, spread: bool = True) -> ExecutionRow:
        plan, queue = schedule.workflow.plan, schedule.workflow.queue
        jitter = schedule.jitter_seconds if spread else 0.0
        value = schedule.input_at(at)
        row = new_row(
            plan, execution_id, self._encode(schedule, value), self._tools.now(),
            available_at=at + delay(schedule.name, at, jitter), priority=schedule.priority,
        )  # fmt: skip
        return row if queue is None else queued(row, queue, value, schedule.deduplicate)

    def _encode(self, schedule: Schedule[Any], value: object) -> bytes:
        return self._tools.codec.encode(
            value, f"the input of schedule {schedule.name!r}", schedule.workflow.plan.input_type
        )

    async def views(self) -> tuple[ScheduleView, ...]:
        """Return how far all schedules are that are known here, by name.

        Raises:
            StoreError: If the store is away.
        """
        rows = {row.name: row for row in await self._store.scheduled()}
        now = self._tools.now()
        return tuple(_view(self._schedules[name], rows.get(name), now) for name in sorted(self._schedules))


def _told_of(schedule: Schedule[Any], firing: Firing) -> dict[str, object]:
    return {
        "schedule": schedule.name,
        "workflow": schedule.workflow.name,
        "tick": firing.at,
        "by_hand": firing.by_hand,
        "execution": "" if firing.execution is None else firing.execution.id,
    }


def _view(schedule: Schedule[Any], known: ScheduleRow | None, now: float) -> ScheduleView:
    row = known or ScheduleRow(schedule.name, str(schedule.cadence), now)
    following = parse_cadence(row.cadence).following(max(row.decided, now))
    return ScheduleView(
        name=schedule.name,
        workflow=schedule.workflow.name,
        cadence=row.cadence,
        last_tick=_moment(row.fired),
        next_tick=_moment(following),
        last_execution=row.execution,
        last_skipped=_moment(row.skipped),
        skip_reason=row.reason,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None or seconds == _NEVER else datetime.fromtimestamp(seconds, UTC)
