"""The table of API tokens."""

from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import Model, Timestamped, id_column


class Base(Model, DeclarativeBase, module="access"):
    """The tables of the module."""


class Token(Base, Timestamped):
    """An API token. Its value has 256 random bits, so that a plain hash of it cannot be guessed."""

    id: Mapped[str] = id_column("tok")
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
