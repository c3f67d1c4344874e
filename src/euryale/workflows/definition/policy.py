"""When to try again, and how long to wait before."""

from dataclasses import dataclass
from datetime import timedelta

from euryale.workflows.errors import DefinitionError, PermanentFailure

_JITTER_FLOOR = 0.5


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step or a compensation is tried, and how long it waits between attempts.

    Attributes:
        max_attempts: Attempts in all, the first one included; 1 means no retry.
        initial: Seconds before the second attempt.
        factor: By how much the wait grows from one attempt to the next.
        max_interval: Seconds that the wait never exceeds.
        jitter: Whether the wait is drawn between half of it and all of it, so that many do not come at once.
        retry_on: Exceptions after which it is tried again.
        give_up_on: Exceptions after which it is not, even if ``retry_on`` names them.
            :class:`PermanentFailure` always belongs here.

    Raises:
        DefinitionError: If a number is out of range.

    Example:
        >>> Retry(max_attempts=4, initial=1, factor=2, jitter=False).delay(2, random=0.0)
        2.0
    """

    max_attempts: int = 3
    initial: float = 1.0
    factor: float = 2.0
    max_interval: float = 60.0
    jitter: bool = True
    retry_on: tuple[type[Exception], ...] = (Exception,)
    give_up_on: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise DefinitionError(f"Retry(max_attempts={self.max_attempts}): there is at least 1 attempt.")
        if not (self.initial >= 0 and self.factor >= 1 and self.max_interval >= 0):  # NaN is none of these
            raise DefinitionError("Retry: initial and max_interval are at least 0 seconds, factor is at least 1.")

    def allows(self, error: Exception, attempt: int) -> bool:
        """Return whether attempt number ``attempt`` (from 1), which ended in ``error``, is followed by another."""
        if attempt >= self.max_attempts or isinstance(error, (PermanentFailure, *self.give_up_on)):
            return False
        return isinstance(error, self.retry_on)

    def delay(self, attempt: int, *, random: float) -> float:
        """Return the seconds to wait after attempt number ``attempt``; ``random`` is drawn from [0, 1)."""
        try:
            wait = min(self.initial * self.factor ** (attempt - 1), self.max_interval)
        except OverflowError:
            wait = self.max_interval if self.initial else 0.0
        return wait * (_JITTER_FLOOR + (1 - _JITTER_FLOOR) * random) if self.jitter else wait


ONCE = Retry(max_attempts=1)
"""No retry: the default of a step."""

PERSISTENT = Retry(max_attempts=8, initial=0.5, factor=2.0, max_interval=60.0)
"""The default of a compensation: about two minutes of trying."""


def seconds(duration: float | timedelta | None, what: str) -> float | None:
    """Return a duration in seconds; None stays None.

    Raises:
        DefinitionError: If it is no duration; ``what`` names it in the error.
    """
    number = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if number is not None and not (isinstance(number, (int, float)) and number >= 0):  # NaN is not
        raise DefinitionError(f"{what}={duration!r}: give seconds from 0 up, or a timedelta.")
    return number
