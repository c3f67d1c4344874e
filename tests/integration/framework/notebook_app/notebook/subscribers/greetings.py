"""What happens when a note was added."""

from typing import Any, Protocol

from euryale.framework.events import Event, subscriber
from euryale.workflows import Retry
from notebook.modules.notes.service import Notes
from notebook.workflows.add_note import NOTE_ADDED, NoteAdded


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, text: str) -> None:
        """Send a text."""
        ...


class SilentMailer:
    """Sends nothing."""

    async def send(self, text: str) -> None:
        """Do nothing."""


@subscriber(NOTE_ADDED, retry=Retry(max_attempts=5, initial=0.01, jitter=False))
async def tell_of_note(event: Event[NoteAdded], *, notes: Notes, mailer: Mailer) -> None:
    """Send mail about a note."""
    note = await notes.get(event.data.note_id)
    await mailer.send(f"new note: {note.title}")


@subscriber("greeting.*")
async def pass_on(event: Event[Any], *, mailer: Mailer) -> None:
    """Send mail about a greeting."""
    await mailer.send(f"{event.name}: {event.data}")
