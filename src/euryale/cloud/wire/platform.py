"""The platform itself on the wire."""

from typing import Literal

from pydantic import Field

from euryale.cloud.wire.base import Told


class Caller(Told):
    """Who calls."""

    id: str
    name: str
    roles: list[str]


class DifferenceInfo(Told):
    """Something in which the ledger and reality differ."""

    family: str = Field(description="whose it is, such as database or runtime")
    name: str
    problem: Literal["orphan", "missing"] = Field(
        description="orphan: it exists and the ledger does not know it; missing: the other way round"
    )


class Diagnosis(Told):
    """Whether what exists is what was written down."""

    healthy: bool
    differences: list[DifferenceInfo]
