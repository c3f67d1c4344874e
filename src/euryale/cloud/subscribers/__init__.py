"""What happens on an event."""

from euryale.cloud.subscribers.notifications import notify

SUBSCRIBERS = (notify,)

__all__ = ["SUBSCRIBERS"]
