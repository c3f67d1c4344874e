"""What this module gives out: values, detached from its tables."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from euryale.kit.secret import Secret


class Role(StrEnum):
    """What a token may do."""

    OWNER = "owner"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; its value is not kept.

    Attributes:
        id: Its id.
        name: What it is for.
        role: What it may do.
        created_at: When it was issued.
        last_used_at: When it was last used, or None.
    """

    id: str
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token at its issue: the only time its value is seen.

    Attributes:
        token: The token.
        value: What is sent as the bearer token.
    """

    token: Token
    value: Secret
