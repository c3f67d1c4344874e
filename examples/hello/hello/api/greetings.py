"""Routes of greetings."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from euryale.framework.http import Inject, Page, PagingQuery
from euryale.workflows import Engine
from hello.modules.greetings import Greeting, Greetings
from hello.workflows.greet import NewGreeting, greet

router = APIRouter(prefix="/greetings", tags=["greetings"])

Words = Annotated[str, Field(min_length=1, max_length=200)]


class GreetingIn(BaseModel):
    """What is said, and by whom."""

    name: Words
    text: Words = "Hello"


class Correction(BaseModel):
    """Who greeted, really."""

    name: Words


@router.post("", status_code=201)
async def add(said: GreetingIn, engine: Inject[Engine]) -> Greeting:
    """Take a greeting and answer it; 422 if nobody knows an answer, and nothing is kept."""
    return await engine.run(greet, NewGreeting(said.name, said.text))


@router.patch("/{greeting_id}")
async def rename(greeting_id: str, said: Correction, greetings: Inject[Greetings]) -> Greeting:
    """Change who greeted."""
    return await greetings.rename(greeting_id, said.name)


@router.get("")
async def index(greetings: Inject[Greetings], paging: PagingQuery) -> Page[Greeting]:
    """List greetings, the oldest first."""
    rows = await greetings.list(limit=paging.fetch, after=str(paging.after[0]) if paging.after else "")
    return Page[Greeting].of(rows, paging, item=lambda row: row, key=lambda row: row.id)
