"""Notifications to a file and to the platform's log: works on every machine."""

import asyncio
import logging
from pathlib import Path

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.notifier.contract import Notification
from euryale.cloud.providers.notifier.jsonlines import JsonLines
from euryale.cloud.providers.notifier.payload import payload

_log = logging.getLogger("euryale.cloud.notifications")


class LogNotifier:
    """Appends each notification as a JSON line to a file, and logs its title.

    Args:
        path: The file; when it is full, older ones are kept beside it.
    """

    def __init__(self, path: Path) -> None:
        self._lines = JsonLines(path)

    async def notify(self, notification: Notification) -> None:
        """Write it down.

        Raises:
            ProviderUnavailableError: If the disk does not take it.
            PermanentError: If its data is no JSON.
        """
        try:
            await asyncio.to_thread(self._lines.append, payload(notification))
        except OSError as error:
            raise ProviderUnavailableError(f"The notification file cannot be written: {error.strerror}.") from error
        except (TypeError, ValueError) as error:
            raise PermanentError(f"The data of notification {notification.id} is no JSON: {error}") from error
        _log.info("%s: %s", notification.event, notification.title)
