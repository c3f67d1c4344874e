"""What a store knows of schedules. Times are seconds since the epoch."""

from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec.structs import replace

from euryale.workflows.record.entry import ExecutionRow
from euryale.workflows.record.queueing import Terms


class ScheduleRow(msgspec.Struct, frozen=True, gc=False):
    """How far a schedule is.

    Attributes:
        name: Its name.
        cadence: When its ticks are, as it was registered last.
        decided: Ticks up to this one are decided, fired or not, and never fire again.
        fired: The last tick that fired, or None.
        execution: The execution that was started last, by a tick or by hand; empty if there is none.
        skipped: The last tick that was skipped, or None.
        reason: Why it was: ``overlap`` (the former execution had not ended), ``missed`` (no worker was there),
            ``input`` (its input could not be made), ``rejected`` (others had its key in its queue), ``duplicate`` (one
            with its dedup key had not ended); empty if none was.
    """

    name: str
    cadence: str
    decided: float
    fired: float | None = None
    execution: str = ""
    skipped: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Firing:
    """What a worker wants to happen with a tick.

    Attributes:
        schedule: The schedule's name.
        cadence: The cadence that the worker goes by; if the schedule has another by now, nothing happens.
        at: The tick. By hand, it is no tick: the time.
        execution: What is created; None: the tick is skipped.
        overlap: What happens if the last execution has not ended.
        reason: Why it is skipped.
        by_hand: Whether somebody fires it out of turn: then no tick is decided.
        terms: On which terms the execution enters its queue; None if nobody else decides there.
    """

    schedule: str
    cadence: str
    at: float
    execution: ExecutionRow | None
    overlap: Literal["allow", "forbid", "cancel"] = "allow"
    reason: str = ""
    by_hand: bool = False
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of a firing.

    Attributes:
        outcome: ``fired``; ``skipped``; ``late``: the tick was decided before, or has another cadence now.
        row: The schedule as it is now.
        cancelled: The former execution, if it was told to end because of this; else an empty string.
        told: Those that were told to end because they have its key in its queue.
        refusal: ``rejected`` or ``duplicate``, if the queue did not let it in; else an empty string.
        by: The execution because of which it was not let in, or an empty string.
    """

    outcome: Literal["fired", "skipped", "late"]
    row: ScheduleRow
    cancelled: str = ""
    told: tuple[str, ...] = ()
    refusal: Literal["", "rejected", "duplicate"] = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a store does about a firing, in one transaction.

    Attributes:
        fired: What became of it; its row is the one to keep.
        creates: Whether the execution is created.
    """

    fired: Fired
    creates: bool = False


def decide(row: ScheduleRow, firing: Firing, *, known: bool, former_open: bool) -> Decision:
    """Decide what becomes of a firing.

    Args:
        row: The schedule as it is.
        firing: What a worker wants.
        known: Whether the execution exists already.
        former_open: Whether the execution that was started last has not ended.
    """
    if not firing.by_hand and (firing.at <= row.decided or firing.cadence != row.cadence):
        return Decision(Fired("late", row))
    if firing.execution is None:
        return Decision(Fired("skipped", _skipped(row, firing, firing.reason)))
    if known and firing.by_hand:  # the answer was lost, and others may have fired since
        return Decision(Fired("fired", row))
    if known:
        return Decision(Fired("fired", _fired(row, firing, firing.execution.id)))
    if former_open and firing.overlap == "forbid":
        return Decision(Fired("skipped", _skipped(row, firing, "overlap")))
    cancelled = row.execution if former_open and firing.overlap == "cancel" else ""
    return Decision(Fired("fired", _fired(row, firing, firing.execution.id), cancelled), creates=True)


def refuse(row: ScheduleRow, firing: Firing, refusal: Literal["rejected", "duplicate"], by: str) -> Fired:
    """Return what becomes of a firing whose execution was not let into its queue.

    Args:
        row: The schedule as it was.
        firing: What a worker wanted.
        refusal: Why it was not.
        by: The execution because of which it was not.
    """
    return Fired("skipped", _skipped(row, firing, refusal), refusal=refusal, by=by)


def _skipped(row: ScheduleRow, firing: Firing, reason: str) -> ScheduleRow:
    return row if firing.by_hand else replace(row, decided=firing.at, skipped=firing.at, reason=reason)


def _fired(row: ScheduleRow, firing: Firing, execution: str) -> ScheduleRow:
    if firing.by_hand:
        return replace(row, execution=execution)
    return replace(row, decided=firing.at, fired=firing.at, execution=execution)
