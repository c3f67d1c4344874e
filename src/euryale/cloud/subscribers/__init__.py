"""What happens on an event."""

from euryale.cloud.subscribers.notifications import notify
from euryale.cloud.subscribers.retirement import retire

SUBSCRIBERS = (notify, retire)

__all__ = ["SUBSCRIBERS"]
