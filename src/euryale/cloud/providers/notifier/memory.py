"""Notifications that stay in this process: for tests."""

from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.notifier.contract import Notification


class MemoryNotifier:
    """Remembers what it was told.

    Attributes:
        told: The notifications that were delivered, in order; a repetition is here twice.
    """

    def __init__(self) -> None:
        self.told: list[Notification] = []
        self._failure: ProviderError | None = None

    def fail_with(self, error: ProviderError | None) -> None:
        """Raise ``error`` from now on, and deliver nothing; ``None``: no longer."""
        self._failure = error

    async def notify(self, notification: Notification) -> None:
        """Remember it."""
        if self._failure is not None:
            raise self._failure
        self.told.append(notification)
