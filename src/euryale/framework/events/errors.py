"""What can be wrong with events."""

from euryale.framework.errors import FrameworkError


class EventError(FrameworkError):
    """An event or a subscriber is declared in a way that cannot work. The message says what to change."""

    code = "framework.events"


class EventPayloadError(EventError):
    """What an event carries does not fit its type. Send what the type says, or change the type."""

    code = "framework.events.payload"
