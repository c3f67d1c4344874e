"""The table of the ledger."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import Model, Timestamped, id_column


class Base(Model, DeclarativeBase, module="ledger"):
    """The tables of the module."""


class Resource(Base, Timestamped):
    """An outside thing, from before it is made until it is gone."""

    __table_args__ = (UniqueConstraint("family", "name"),)

    id: Mapped[str] = id_column("res")
    family: Mapped[str]
    name: Mapped[str]
    project: Mapped[str] = mapped_column(index=True)
    environment: Mapped[str] = mapped_column(default="")
    execution: Mapped[str] = mapped_column(default="")
