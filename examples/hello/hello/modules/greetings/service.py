"""What can be done with greetings."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from euryale.framework.data import Database
from hello.modules.greetings import models
from hello.modules.greetings.errors import UnknownGreetingError
from hello.modules.greetings.records import Greeting


class Greetings:
    """Stores greetings. Everything here is safe to repeat, as steps and subscribers need it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, key: str, name: str, text: str) -> Greeting:
        """Store a greeting, or return the one that was stored under this key."""
        async with self._database.transaction() as session:
            row = await session.scalar(select(models.Greeting).where(models.Greeting.key == key))
            if row is None:
                row = models.Greeting(key=key, name=name, text=text, answer="", announced=False)
                session.add(row)
                await session.flush()
            return _record(row)

    async def answer(self, greeting_id: str, answer: str) -> None:
        """Write down what was answered."""
        async with self._database.transaction() as session:
            await session.execute(
                update(models.Greeting).where(models.Greeting.id == greeting_id).values(answer=answer)
            )

    async def rename(self, greeting_id: str, name: str) -> Greeting:
        """Change who greeted.

        Raises:
            UnknownGreetingError: If there is no such greeting.
        """
        async with self._database.transaction() as session:
            row = await session.get(models.Greeting, greeting_id)
            if row is None:
                raise UnknownGreetingError(f"There is no greeting {greeting_id!r}.")
            row.name = name
            return _record(row)

    async def mark_announced(self, greeting_id: str) -> None:
        """Write down that it was announced."""
        async with self._database.transaction() as session:
            await session.execute(
                update(models.Greeting).where(models.Greeting.id == greeting_id).values(announced=True)
            )

    async def forget(self, key: str) -> None:
        """Delete what was stored under this key, if anything was."""
        async with self._database.transaction() as session:
            await session.execute(delete(models.Greeting).where(models.Greeting.key == key))

    async def list(self, *, limit: int, after: str = "") -> Sequence[Greeting]:
        """Return greetings, the oldest first.

        Args:
            limit: How many at most.
            after: The id that the page before ended with.
        """
        wanted = select(models.Greeting).where(models.Greeting.id > after).order_by(models.Greeting.id).limit(limit)
        async with self._database.reading() as session:
            return [_record(row) for row in await session.scalars(wanted)]


def _record(row: models.Greeting) -> Greeting:
    return Greeting(row.id, row.name, row.text, row.answer, row.announced, row.created_at)
