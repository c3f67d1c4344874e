"""How patient the platform is with its providers."""

from dataclasses import dataclass
from typing import Final

from euryale.cloud.providers.errors import LockedError, ProviderUnavailableError, RateLimitedError
from euryale.framework.data import DatabaseUnavailableError
from euryale.kit.errors import with_hint
from euryale.workflows import Failure, Retry, step_context


class Pace:
    """How much of a wait between two attempts is really waited.

    Attributes:
        scale: 1.0 as long as real providers need time to recover; the test kit, whose providers do not, shortens it.
    """

    def __init__(self) -> None:
        self.scale = 1.0


PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class PacedRetry(Retry):
    """A retry whose waits follow :data:`PACE`."""

    def delay(self, attempt: int, *, random: float) -> float:
        """Return the seconds to wait after attempt number ``attempt``."""
        return PACE.scale * Retry.delay(self, attempt, random=random)


TRANSIENT: Final = (LockedError, RateLimitedError, ProviderUnavailableError, DatabaseUnavailableError, OSError)
"""What may work when it is tried again; everything else is final."""

PATIENT: Final = PacedRetry(max_attempts=6, initial=0.5, factor=2.0, max_interval=15.0, retry_on=TRANSIENT)
"""For a call of a provider: about 15 seconds of trying."""

UNDO: Final = PacedRetry(max_attempts=12, initial=0.5, factor=2.0, max_interval=60.0)
"""For an undo: about seven minutes of trying, whatever went wrong."""

RELENTLESS: Final = PacedRetry(max_attempts=100, initial=0.5, factor=2.0, max_interval=300.0)
"""For what nothing else will do: about eight hours of trying."""

QUICK: Final = 60.0
"""Seconds for a call that is answered at once."""

SLOW: Final = 900.0
"""Seconds for a call that copies or starts something."""

CANCELLED: Final = frozenset({"workflows.execution_cancelled", "workflows.reverted_with_parent"})
"""The codes of the failures that say that nothing failed: somebody, or something newer, wanted it to end."""


def why() -> str:
    """Return, in a compensation, why everything is undone: for a person."""
    failure: Failure | None = step_context().failure
    return with_hint(failure.message, failure.hint) if failure else "It was undone."


def is_cancelled() -> bool:
    """Return, in a compensation, whether it is undone because that was wished, not because something failed."""
    failure = step_context().failure
    return failure is not None and failure.error in CANCELLED
