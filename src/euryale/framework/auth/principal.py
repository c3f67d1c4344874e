"""Who calls, and who can tell."""

from dataclasses import dataclass, field
from typing import Protocol

from euryale.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request.

    Attributes:
        id: The id of the user or machine.
        name: How it is called, for logs.
        roles: What it may do, such as ``frozenset({"admin"})``.
        claims: What else the authenticator knows of it, such as its organization.
    """

    id: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    claims: dict[str, str] = field(default_factory=dict, hash=False)


class Authenticator(Protocol):
    """Tells who holds a token. The application provides one."""

    async def authenticate(self, token: Secret) -> Principal:
        """Return who holds the token.

        Raises:
            UnauthorizedError: If nobody does, or it has expired.
        """
        ...
