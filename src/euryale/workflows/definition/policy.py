"""When to try again, and how long to wait before."""

from dataclasses import dataclass
from typing import Any

from euryale.workflows.definition.checks import check_count, check_seconds, is_number, refusal
from euryale.workflows.errors import PermanentFailure

_JITTER_FLOOR = 0.5


def _check_errors(given: Any, name: str) -> None:
    known = isinstance(given, tuple) and all(
        isinstance(each, type) and issubclass(each, BaseException) for each in given
    )
    if not known:
        hint = f"Write {name}=(TimeoutError, ConnectionError)."
        raise refusal(f"Retry: {name}", given, "a tuple of exception classes", hint)


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
        DefinitionError: If a number is out of range, or something that it is given cannot be right.

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
        check_count(self.max_attempts, "Retry: max_attempts", least=1, hint="The first attempt counts, too.")
        check_seconds(self.initial, "Retry: initial", zero=True)
        check_seconds(self.max_interval, "Retry: max_interval", zero=True)
        if not is_number(self.factor) or not self.factor >= 1:  # NaN is not
            raise refusal("Retry: factor", self.factor, "a number of at least 1")
        _check_errors(self.retry_on, "retry_on")
        _check_errors(self.give_up_on, "give_up_on")

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
