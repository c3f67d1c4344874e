"""One notifier that tells many."""

import asyncio

from euryale.cloud.providers.errors import PermanentError, ProviderError, ProviderUnavailableError, RateLimitedError
from euryale.cloud.providers.notifier.contract import Notification, Notifier


class Broadcast:
    """Tells all of its notifiers at once; one that fails keeps no other from being told.

    After a failure the whole is told again, so a receiver may hear twice: it knows the repetition by its id.

    Args:
        notifiers: Who is told; may be none.
    """

    def __init__(self, *notifiers: Notifier) -> None:
        self._notifiers = notifiers

    async def notify(self, notification: Notification) -> None:
        """Tell all, then report.

        Raises:
            RateLimitedError: If every failure worth trying again asks for fewer calls; the longest wait is kept.
            ProviderUnavailableError: If any failed in a way that is worth trying again.
            PermanentError: If those that failed refuse it for good.
            ExceptionGroup: If any failed with what is no ``ProviderError``: a fault of the program.
        """
        results = await asyncio.gather(
            *(notifier.notify(notification) for notifier in self._notifiers), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, Exception)]
        if faults := [error for error in errors if not isinstance(error, ProviderError)]:
            raise ExceptionGroup("some notifiers are at fault", faults)
        if errors:
            raise _summary(errors, len(self._notifiers)) from ExceptionGroup("some notifiers failed", errors)


def _summary(errors: list[Exception], total: int) -> ProviderError:
    message = f"{len(errors)} of {total} could not be notified: " + "; ".join(str(error) for error in errors)
    passing = [error for error in errors if not isinstance(error, PermanentError)]
    if not passing:
        return PermanentError(message)
    waits = [error.retry_after for error in passing if isinstance(error, RateLimitedError)]
    if len(waits) == len(passing):
        return RateLimitedError(message, retry_after=max(waits))
    return ProviderUnavailableError(message)
