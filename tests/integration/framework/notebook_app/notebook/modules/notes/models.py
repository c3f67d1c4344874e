"""The tables of the module notes."""

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import Model, Timestamped, id_column
from euryale.kit.secret import Secret


class Base(Model, DeclarativeBase, module="notes"):
    """The tables of the module notes."""


class Note(Base, Timestamped):
    """A note."""

    id: Mapped[str] = id_column("note")
    title: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str] = mapped_column(Text)
    password: Mapped[Secret | None]
