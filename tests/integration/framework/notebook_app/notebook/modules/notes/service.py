"""What can be done with notes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from pydantic import Field
from sqlalchemy import func, select

from euryale.framework.config import Settings
from euryale.framework.data import Database
from euryale.kit.errors import ConflictError, NotFoundError
from euryale.kit.secret import Secret
from notebook.modules.notes.models import Note


class NoteSettings(Settings):
    """What can be set about notes."""

    most: int = Field(default=100, description="how many notes there may be")


class MissingNoteError(NotFoundError):
    """There is no such note. List those there are."""

    code = "notes.missing"


class TooManyNotesError(ConflictError):
    """There are as many notes as there may be. Delete one first."""

    code = "notes.too_many"


class Notes:
    """The notes."""

    def __init__(self, database: Database, settings: NoteSettings) -> None:
        self._database = database
        self._settings = settings
        self._added = asyncio.Event()

    async def add(self, title: str, text: str, password: Secret | None = None) -> Note:
        """Add a note."""
        async with self._database.transaction() as session:
            if (await session.scalar(select(func.count()).select_from(Note)) or 0) >= self._settings.most:
                raise TooManyNotesError
            session.add(note := Note(title=title, text=text, password=password))
        self._added.set()
        self._added = asyncio.Event()
        return note

    async def get(self, note_id: str) -> Note:
        """Return a note."""
        async with self._database.reading() as session:
            note = await session.get(Note, note_id)
        if note is None:
            raise MissingNoteError(f"there is no note {note_id}")
        return note

    async def delete(self, note_id: str) -> None:
        """Delete a note, if it is there."""
        async with self._database.transaction() as session:
            note = await session.get(Note, note_id)
            if note is not None:
                await session.delete(note)

    async def list(self, *, limit: int, after: str = "") -> Sequence[Note]:
        """Return notes by id."""
        async with self._database.reading() as session:
            found = await session.scalars(select(Note).where(Note.id > after).order_by(Note.id).limit(limit))
            return found.all()

    async def follow(self, after: str) -> AsyncGenerator[Note, None]:
        """Yield the notes after an id, then those that are added."""
        while True:
            added = self._added
            for note in await self.list(limit=100, after=after):
                after = note.id
                yield note
            await added.wait()
