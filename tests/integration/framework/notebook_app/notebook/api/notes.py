"""Routes of notes."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from euryale.framework.config import SecretField
from euryale.framework.events import Events
from euryale.framework.http import EventStream, Inject, LastEventId, Page, PagingQuery, ServerEvent
from euryale.workflows import Engine
from notebook.modules.notes.models import Note
from notebook.modules.notes.service import Notes
from notebook.workflows.add_note import NewNote, add_note

router = APIRouter(prefix="/notes", tags=["notes"])


class NoteIn(BaseModel):
    """What a note is made of."""

    title: str
    text: str
    password: SecretField | None = None


class NoteOut(BaseModel):
    """A note."""

    id: str
    title: str
    created_at: datetime

    @classmethod
    def of(cls, note: Note) -> Self:
        """Return the answer for a note."""
        return cls(id=note.id, title=note.title, created_at=note.created_at)


@router.post("", status_code=201)
async def add(note: NoteIn, notes: Inject[Notes]) -> NoteOut:
    """Add a note."""
    return NoteOut.of(await notes.add(note.title, note.text, note.password))


@router.post("/announced", status_code=201)
async def add_announced(note: NoteIn, engine: Inject[Engine]) -> str:
    """Add a note, and tell of it."""
    return (await engine.run(add_note, NewNote(note.title, note.text))).note_id


@router.post("/greetings/{name}", status_code=202)
async def greet(name: str, events: Inject[Events]) -> None:
    """Publish a greeting."""
    await events.publish(f"greeting.{name}", {"to": name})


@router.get("")
async def index(notes: Inject[Notes], paging: PagingQuery) -> Page[NoteOut]:
    """List notes."""
    rows = await notes.list(limit=paging.fetch, after=str(paging.after[0]) if paging.after else "")
    return Page[NoteOut].of(rows, paging, item=NoteOut.of, key=lambda note: note.id)


@router.get("/events")
async def events(notes: Inject[Notes], last: LastEventId = None) -> EventStream:
    """Follow the notes."""

    async def told() -> AsyncGenerator[ServerEvent, None]:
        async for note in notes.follow(last or ""):
            yield ServerEvent({"title": note.title}, name="note", id=note.id)

    return EventStream(told())


@router.get("/{note_id}")
async def show(note_id: str, notes: Inject[Notes]) -> NoteOut:
    """Show a note."""
    return NoteOut.of(await notes.get(note_id))
