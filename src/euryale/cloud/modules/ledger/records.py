"""What this module gives out: values, detached from its tables."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Family(StrEnum):
    """What kind of outside thing it is: the family of providers that made it."""

    DATABASE = "database"
    BUILDER = "builder"
    RUNTIME = "runtime"
    ROUTER = "router"
    SOURCE = "source"
    CHECKOUT = "checkout"


@dataclass(frozen=True, slots=True)
class Resource:
    """An outside thing.

    Attributes:
        family: Who made it.
        name: Its name in that family's inventory.
        project: The project that it belongs to, by name.
        environment: The environment that it belongs to, by id, or an empty string.
        execution: The workflow execution that made it: its undo deletes it, nobody else's does.
        created_at: When it was written down.
    """

    family: Family
    name: str
    project: str
    environment: str
    execution: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which the ledger and reality differ.

    Attributes:
        family: The family of providers.
        name: The name in its inventory.
        problem: ``orphan``: it exists, and the ledger does not know it. ``missing``: the other way round.
    """

    family: str
    name: str
    problem: str
