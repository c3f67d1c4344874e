"""The manifest of a module: one noun of an application, with its tables, rules and settings."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, configure_mappers

from euryale.framework.container import Provider, provide
from euryale.framework.data import Schema
from euryale.framework.modules.errors import ModuleError

_NAME: Final = re.compile(r"[a-z][a-z0-9]*")
_LAZY: Final = frozenset({"select", True})


@dataclass(frozen=True, slots=True)
class Module:
    """An independent part of an application: it imports no other module, and nobody else touches its tables.

    Attributes:
        name: Lower-case letters and digits; its tables begin with it and an underscore.
        services: Its public classes. The container makes one of each and gives it, by annotation, the ``Database``,
            its settings and whatever else the application provides.
        models: The base of its tables, if it has any.
        migrations: The folder of its migrations. Default: ``migrations`` beside the file that declares ``models``.
        settings: Its section of the application's settings, if it has one.
        providers: What else it provides.

    Raises:
        ModuleError: If it is declared in a way that cannot work.

    Example:
        >>> NOTES = Module("notes", services=[NoteService], models=Base)
    """

    name: str
    services: Sequence[type] = ()
    models: type[DeclarativeBase] | None = None
    migrations: Path | None = None
    settings: type[BaseModel] | None = None
    providers: Sequence[Provider] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ModuleError(f"{self.name!r} is no name of a module", hint="Use lower-case letters and digits.")
        # lists are welcome at the call, but a manifest does not change
        object.__setattr__(self, "services", tuple(self.services))
        object.__setattr__(self, "providers", tuple(self.providers))
        if self.models is not None:
            _check_tables(self.name, self.models)
            object.__setattr__(self, "migrations", self.migrations or _beside(self.models))

    @property
    def schema(self) -> Schema | None:
        """Its tables and migrations; ``None`` if it has no tables."""
        if self.models is None or self.migrations is None:
            return None
        return Schema(self.name, self.models.metadata, self.migrations)

    def all_providers(self) -> tuple[Provider, ...]:
        """Return the providers of its services and of the rest."""
        return (*map(provide, self.services), *self.providers)


def _beside(models: type[DeclarativeBase]) -> Path:
    return Path(inspect.getfile(models)).parent / "migrations"


def _check_tables(name: str, models: type[DeclarativeBase]) -> None:
    for table in models.metadata.tables.values():
        if not table.name.startswith(f"{name}_"):
            raise ModuleError(
                f"table {table.name!r} of module {name!r} does not begin with {name}_",
                hint=f'Derive its base with class Base(Model, DeclarativeBase, module="{name}").',
            )
    try:
        configure_mappers()
    except SQLAlchemyError as error:
        raise ModuleError(f"the models of module {name!r} do not fit together: {error}") from error
    for mapper in models.registry.mappers:
        _check_relationships(mapper)


def _check_relationships(mapper: Any) -> None:
    for relationship in mapper.relationships:
        if relationship.lazy in _LAZY:
            raise ModuleError(
                f"{relationship} loads when it is first read, which an asynchronous session cannot do",
                hint='Say relationship(lazy="raise") and load it where it is needed, with selectinload.',
            )
