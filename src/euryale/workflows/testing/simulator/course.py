"""What a simulation goes by: its chance, its trace, what goes wrong how often, and what must never be."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Any, Final, Self

from euryale.kit.clock import ManualClock
from euryale.workflows.definition.workflow import Workflow

_MOODS: Final = (0.0, 0.5, 1.0, 3.0)
"""By how much a kind of disturbance may be more or less frequent in one simulation than in another."""


@dataclass(frozen=True, slots=True)
class Disturbances:
    """What goes wrong, and how often: chances from 0 to 1, and events per minute.

    Attributes:
        step_failure: The chance that an attempt at a step raises, before or after it did its work.
        undo_failure: The same of a compensation.
        hang: The chance that an attempt takes a minute.
        store_failure: The chance that a call of the store fails, before or after it took effect.
        slow_call: The chance that a call of the store takes seconds.
        delivery_failure: The chance that the delivery of an event fails.
        crashes: Workers that die, per minute.
        restarts: Workers that are closed properly, and opened again, per minute.
        drains: Workers that are drained, and opened again, per minute.
        freezes: Workers that are stopped, some for longer than their lease, and go on, per minute.
        jumps: Wall clocks of workers that are set forth or back, per minute.
        cancellations: The share of executions that somebody cancels.
        duplicates: The share of messages that are sent again.
        marks: The share of executions of which somebody gives a step its outcome by hand, or says that it is undone.
    """

    step_failure: float = 0.08
    undo_failure: float = 0.08
    hang: float = 0.02
    store_failure: float = 0.03
    slow_call: float = 0.02
    delivery_failure: float = 0.1
    crashes: float = 2.0
    restarts: float = 0.5
    drains: float = 1.0
    freezes: float = 1.5
    jumps: float = 1.0
    cancellations: float = 0.2
    duplicates: float = 0.3
    marks: float = 0.3

    def varied(self, random: Random) -> Self:
        """Return others: some kinds are left out, some come more often."""
        return replace(self, **{each.name: getattr(self, each.name) * random.choice(_MOODS) for each in fields(self)})


@dataclass(frozen=True, slots=True)
class Load:
    """A workflow that is simulated. The functions of its steps are called as they are, in the event loop.

    Attributes:
        workflow: The workflow.
        value: Draws an input.
        answers: Draws what comes from outside, by the name of a signal or of a step that completes externally;
            default: None. A step that is named here may also be given such an outcome by hand.
    """

    workflow: Workflow[Any, Any]
    value: Callable[[Random], Any] = field(default=lambda _: None)
    answers: Mapping[str, Callable[[Random], Any]] = field(default_factory=dict)


class ViolationError(AssertionError):
    """What was promised was not kept; the text says which seed shows it, and what happened until then."""


class Trace:
    """What happened, a line for each thing: the same for the same seed."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.lines: list[str] = []
        self.violations: list[str] = []

    def note(self, who: str, what: str) -> None:
        """Write a line."""
        self.lines.append(f"{self._clock.monotonic():10.3f} {who:<6} {what}")

    def violated(self, what: str) -> None:
        """Take note of what must never be."""
        self.note("!", what)
        self.violations.append(what)

    @property
    def digest(self) -> str:
        """A fingerprint of all lines."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()[:16]
