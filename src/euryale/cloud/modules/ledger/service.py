"""The rules of the ledger: written before it is made, forgotten after it is gone."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, select

from euryale.cloud.modules.ledger import models
from euryale.cloud.modules.ledger.records import Difference, Family, Resource
from euryale.framework.data import Database


class Ledger:
    """Keeps what the platform made outside of itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, family: Family, name: str, *, project: str, execution: str, environment: str = "") -> None:
        """Write down what is about to be made; what is written down already stays whose it is."""
        async with self._database.transaction() as session:
            if await session.scalar(select(models.Resource).where(_is(family, name))) is None:
                session.add(
                    models.Resource(
                        family=family, name=name, project=project, environment=environment, execution=execution
                    )
                )

    async def adopt(
        self, family: Family, name: str, *, project: str, execution: str, environment: str = "", root: str = ""
    ) -> None:
        """Write down what is about to be made; what an earlier execution could not undo becomes this one's.

        From then on that earlier execution, if somebody lets it try again, takes it away no more.

        Args:
            family: The family.
            name: The name.
            project: The project that it belongs to, by name.
            execution: Whose it is.
            environment: The environment that it belongs to, by id.
            root: The outermost execution, whose it may be already; default: ``execution``.
        """
        async with self._database.transaction() as session:
            row = await session.scalar(select(models.Resource).where(_is(family, name)))
            if row is None:
                row = models.Resource(family=family, name=name, project=project, execution=execution)
                session.add(row)
            elif row.execution not in {execution, root or execution}:
                row.execution = execution
            row.project, row.environment = project, environment

    async def made_by(self, family: Family, name: str, execution: str) -> bool:
        """Return whether it was written down by that execution: only its maker's undo may delete it."""
        return await self.maker(family, name) == execution

    async def maker(self, family: Family, name: str) -> str | None:
        """Return the execution that has written it down; None if it is not written down."""
        async with self._database.reading() as session:
            row = await session.scalar(select(models.Resource).where(_is(family, name)))
        return None if row is None else row.execution

    async def forget(self, family: Family, name: str) -> None:
        """Strike out what is gone, with all that was inside of it (``name/...``)."""
        inside = models.Resource.name.startswith(f"{name}/", autoescape=True)
        async with self._database.transaction() as session:
            await session.execute(delete(models.Resource).where(_is(family, name)))
            await session.execute(delete(models.Resource).where(models.Resource.family == family, inside))

    async def list(self, *, project: str | None = None, environment: str | None = None) -> tuple[Resource, ...]:
        """Return what is written down, by family and name."""
        query = select(models.Resource).order_by(models.Resource.family, models.Resource.name)
        if project is not None:
            query = query.where(models.Resource.project == project)
        if environment is not None:
            query = query.where(models.Resource.environment == environment)
        async with self._database.reading() as session:
            return tuple(map(_resource, await session.scalars(query)))

    async def compare(self, family: Family, inventory: Iterable[str]) -> tuple[Difference, ...]:
        """Return in what the ledger and a provider's inventory differ."""
        query = select(models.Resource.name).where(models.Resource.family == family)
        async with self._database.reading() as session:
            written = set(await session.scalars(query))
        real = set(inventory)
        orphans = [Difference(family, name, "orphan") for name in sorted(real - written)]
        return (*orphans, *(Difference(family, name, "missing") for name in sorted(written - real)))


def _is(family: Family, name: str) -> ColumnElement[bool]:
    return (models.Resource.family == family) & (models.Resource.name == name)


def _resource(row: models.Resource) -> Resource:
    return Resource(Family(row.family), row.name, row.project, row.environment, row.execution, row.created_at)
