"""How patient the platform is with its providers."""

from typing import Final

from euryale.cloud.providers.errors import LockedError, ProviderUnavailableError, RateLimitedError
from euryale.framework.data import DatabaseUnavailableError
from euryale.workflows import Failure, Retry, step_context

TRANSIENT: Final = (LockedError, RateLimitedError, ProviderUnavailableError, DatabaseUnavailableError, OSError)
"""What may work when it is tried again; everything else is final."""

PATIENT: Final = Retry(max_attempts=6, initial=0.5, factor=2.0, max_interval=15.0, retry_on=TRANSIENT)
"""For a call of a provider: about 15 seconds of trying."""

UNDO: Final = Retry(max_attempts=12, initial=0.5, factor=2.0, max_interval=60.0)
"""For an undo: about seven minutes of trying, whatever went wrong."""

QUICK: Final = 60.0
"""Seconds for a call that is answered at once."""

SLOW: Final = 900.0
"""Seconds for a call that copies or starts something."""


def why() -> str:
    """Return, in a compensation, why everything is undone: for a person."""
    failure: Failure | None = step_context().failure
    return f"{failure.message} {failure.hint}".strip() if failure else "It was undone."
