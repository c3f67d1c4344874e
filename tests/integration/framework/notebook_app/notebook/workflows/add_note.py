"""Adding a note: stored, then announced."""

from dataclasses import dataclass

from euryale.framework.events import EventType
from euryale.workflows import emit, inject, step, workflow
from notebook.modules.notes.service import Notes


@dataclass(frozen=True, slots=True)
class NewNote:
    """What a note is made of."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """What is known of an added note."""

    note_id: str


NOTE_ADDED = EventType("note.added", NoteAdded)


@step
async def store_note(note: NewNote, *, notes: Notes = inject()) -> NoteAdded:
    """Store the note."""
    return NoteAdded((await notes.add(note.title, note.text)).id)


@store_note.compensate
async def forget_note(added: NoteAdded | None, *, notes: Notes = inject()) -> None:
    """Delete it again."""
    if added is not None:
        await notes.delete(added.note_id)


@workflow("add-note")
def add_note(note: NewNote) -> NoteAdded:
    """Add a note."""
    added = store_note(note)
    emit(NOTE_ADDED.name, added)
    return added
