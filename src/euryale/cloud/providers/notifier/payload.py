"""A notification as programs read it. Pure."""

from euryale.cloud.providers.notifier.contract import Notification


def payload(notification: Notification) -> dict[str, object]:
    """Return the notification as a JSON object; ``at`` in ISO 8601."""
    return {
        "id": notification.id,
        "event": notification.event,
        "title": notification.title,
        "text": notification.text,
        "data": dict(notification.data),
        "at": notification.at.isoformat(),
    }
