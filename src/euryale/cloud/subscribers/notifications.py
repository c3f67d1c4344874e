"""Notifications: people and programs outside hear of what has happened."""

from typing import Any, Final

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.notifier.contract import Notification, Notifier
from euryale.cloud.workflows.steps.policy import PacedRetry
from euryale.framework.events import Event, subscriber

_TITLES: Final = {
    "project.created": "Project {project} is ready",
    "project.creation_failed": "Project {project} could not be created",
    "project.deleted": "Project {project} was deleted",
    "deployment.live": "{project}/{environment} serves commit {commit:.8}",
    "deployment.failed": "A deployment of {project}/{environment} did not succeed",
    "preview.live": "Preview {environment} of {project} is ready",
    "preview.failed": "Preview {environment} of {project} could not be made",
    "preview.removed": "Preview {environment} of {project} was removed",
}


@subscriber(
    *_TITLES,
    name="notify",
    retry=PacedRetry(max_attempts=12, initial=1.0, factor=3.0, max_interval=3600.0, give_up_on=(PermanentError,)),
)
async def notify(event: Event[dict[str, Any]], *, notifier: Notifier) -> None:
    """Tell whoever is configured; tried for about eight hours."""
    title = _TITLES[event.name].format(**event.data)
    text = str(event.data.get("reason", ""))
    await notifier.notify(Notification(event.id, event.name, title, text, event.data, event.at))
