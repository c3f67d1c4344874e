"""The table of greetings."""

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from euryale.framework.data import Model, Timestamped, id_column


class Base(Model, DeclarativeBase, module="greetings"):
    """The tables of the module."""


class Greeting(Base, Timestamped):
    """A greeting; ``key`` names what stored it, so that it is stored once."""

    id: Mapped[str] = id_column("greet")
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text, default="")
    announced: Mapped[bool] = mapped_column(default=False)
