"""The tables of projects."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from euryale.framework.data import Model, Timestamped, id_column
from euryale.kit.secret import Secret


class Base(Model, DeclarativeBase, module="projects"):
    """The tables of the module."""


class Project(Base, Timestamped):
    """A project."""

    id: Mapped[str] = id_column("proj")
    name: Mapped[str] = mapped_column(unique=True)
    repository: Mapped[str]
    branch: Mapped[str]
    root: Mapped[str]
    previews: Mapped[bool]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    execution: Mapped[str] = mapped_column(default="")
    dismissed: Mapped[dict[str, str]] = mapped_column(default=dict)
    variables: Mapped[list["Variable"]] = relationship(lazy="raise", cascade="all, delete-orphan", passive_deletes=True)
    environments: Mapped[list["Environment"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )


class Variable(Base):
    """A variable of all environments of a project."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = id_column("var")
    project_id: Mapped[str] = mapped_column(ForeignKey("projects_project.id", ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[Secret]
    scope: Mapped[str]


class Environment(Base, Timestamped):
    """An environment of a project."""

    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = id_column("env")
    project_id: Mapped[str] = mapped_column(ForeignKey("projects_project.id", ondelete="CASCADE"))
    name: Mapped[str]
    kind: Mapped[str]
    branch: Mapped[str]
    base: Mapped[str] = mapped_column(default="")
    host: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    execution: Mapped[str] = mapped_column(default="")
    secrets: Mapped[list["GeneratedSecret"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )


class GeneratedSecret(Base):
    """A variable that was generated once for an environment."""

    __table_args__ = (UniqueConstraint("environment_id", "name"),)

    id: Mapped[str] = id_column("sec")
    environment_id: Mapped[str] = mapped_column(ForeignKey("projects_environment.id", ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[Secret]
    made_at: Mapped[datetime]
