"""Events: named things that have happened, and subscribers that are run for them durably."""

from euryale.framework.events.dispatcher import (
    EVENT_DISPATCHED,
    Dispatcher,
    Events,
    Publication,
    WorkflowStarter,
    publish_event,
)
from euryale.framework.events.errors import EventError, EventPayloadError
from euryale.framework.events.event import Event, EventType, Pattern
from euryale.framework.events.subscribers import Subscriber, subscriber

__all__ = [
    "EVENT_DISPATCHED",
    "Dispatcher",
    "Event",
    "EventError",
    "EventPayloadError",
    "EventType",
    "Events",
    "Pattern",
    "Publication",
    "Subscriber",
    "WorkflowStarter",
    "publish_event",
    "subscriber",
]
