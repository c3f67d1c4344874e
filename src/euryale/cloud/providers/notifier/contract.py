"""The contract of the notifier family."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that people or programs outside should hear of.

    Attributes:
        id: Unique; a receiver can tell a repeated delivery by it.
        event: What happened, such as ``project.created``.
        title: One line for a person.
        text: The rest for a person: for a failure the reason and what to do.
        data: The same for a program; JSON values, no secrets.
        at: When it happened, aware.
    """

    id: str
    event: str
    title: str
    text: str
    data: Mapping[str, object]
    at: datetime


class Notifier(Protocol):
    """Tells somebody."""

    async def notify(self, notification: Notification) -> None:
        """Deliver once; a repetition has the same id.

        Raises:
            ProviderUnavailableError: If the receiver could not be reached; worth trying again.
            PermanentError: If the receiver refuses it for good.
        """
        ...
