"""The tables of deployments. Projects and environments are named by id: they are another module's."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from euryale.framework.data import Model, Timestamped, id_column
from euryale.kit.secret import Secret


class Base(Model, DeclarativeBase, module="deployments"):
    """The tables of the module."""


class Deployment(Base, Timestamped):
    """A deployment."""

    __table_args__ = (UniqueConstraint("environment_id", "number"),)

    id: Mapped[str] = id_column("depl")
    project_id: Mapped[str] = mapped_column(index=True)
    environment_id: Mapped[str]
    number: Mapped[int]
    commit: Mapped[str]
    message: Mapped[str]
    author: Mapped[str]
    branch: Mapped[str]
    cause: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    warning: Mapped[str] = mapped_column(default="")
    execution: Mapped[str] = mapped_column(unique=True)
    root_execution: Mapped[str]
    snapshot: Mapped[Secret | None] = mapped_column(default=None)
    plan: Mapped[str] = mapped_column(default="")
    artifact: Mapped[str] = mapped_column(default="")
    instance: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    transitions: Mapped[list["Transition"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True, order_by="Transition.id"
    )


class Transition(Base):
    """A change of a deployment's state."""

    id: Mapped[str] = id_column("dtr")
    deployment_id: Mapped[str] = mapped_column(ForeignKey("deployments_deployment.id", ondelete="CASCADE"))
    state: Mapped[str]
    at: Mapped[datetime]
    cause: Mapped[str]
