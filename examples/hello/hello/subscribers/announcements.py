"""Greetings that were answered are announced."""

from euryale.framework.events import Event, subscriber
from hello.modules.greetings import Greeting, Greetings
from hello.workflows.greet import GREETING_ANSWERED


@subscriber(GREETING_ANSWERED)
async def announce(event: Event[Greeting], *, greetings: Greetings) -> None:
    """Mark the greeting as announced: what a mail or a message would be in a larger application."""
    await greetings.mark_announced(event.data.id)
