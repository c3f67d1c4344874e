"""The base of a module's tables."""

import re
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import JSON, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, declared_attr, mapped_column

from euryale.framework.data.errors import DataError
from euryale.framework.data.types import EncryptedText, UtcDateTime
from euryale.kit.ids import new_id
from euryale.kit.machine_time import utc_now
from euryale.kit.secret import Secret

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_MODULE_NAME: Final = re.compile(r"[a-z][a-z0-9]*")
_ID_LENGTH: Final = 64


class Model:
    """What all tables have in common. A module makes its own base of it, and its tables of that.

    A table is named ``<module>_<class name in snake case>``; ``Mapped[datetime]`` is aware and in UTC,
    ``Mapped[Secret]`` is encrypted, ``Mapped[dict[str, Any]]`` and ``Mapped[list[Any]]`` (and of ``str``) are JSON
    (assign a new value to change one). Relationships must say how they load: ``lazy="raise"`` or an eager way.

    Example:
        >>> class Base(Model, DeclarativeBase, module="notes"):
        ...     "The tables of the module notes."
        >>> class Note(Base, Timestamped):
        ...     id: Mapped[str] = id_column("note")
        ...     text: Mapped[str]
        >>> Note.__tablename__
        'notes_note'
    """

    __module_name__: ClassVar[str]

    def __init_subclass__(cls, *, module: str = "", **arguments: Any) -> None:
        if DeclarativeBase in cls.__bases__:
            _prepare_base(cls, module)
        super().__init_subclass__(**arguments)

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        return f"{cls.__module_name__}_{snake}"


class Timestamped:
    """Adds when a record was made and last changed, aware and in UTC."""

    created_at: Mapped[datetime] = mapped_column(default=utc_now, sort_order=900)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now, sort_order=901)


def id_column(prefix: str) -> MappedColumn[str]:
    """Return a primary key that is filled, when the record is stored, with an id such as ``note_01k9x...``.

    Args:
        prefix: What the id names: a short lower-case noun.
    """
    return mapped_column(String(_ID_LENGTH), primary_key=True, default=lambda: new_id(prefix), sort_order=-1)


def _prepare_base(cls: type[Model], module: str) -> None:
    if not _MODULE_NAME.fullmatch(module):
        raise DataError(
            f"the base {cls.__qualname__} names no module",
            hint='Write class Base(Model, DeclarativeBase, module="notes"): lower-case letters and digits.',
        )
    cls.__module_name__ = module
    cls.metadata = MetaData(naming_convention=NAMING, info={"module": module})  # type: ignore[attr-defined]
    cls.type_annotation_map = {  # type: ignore[attr-defined]
        datetime: UtcDateTime,
        Secret: EncryptedText,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[Any]: JSON,
        list[str]: JSON,
    }
