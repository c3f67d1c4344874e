"""The platform's own repositories, as the rest of the platform sees them: a port beside the source contract."""

from dataclasses import dataclass
from typing import Final, Protocol

_HEADS: Final = "refs/heads/"


@dataclass(frozen=True, slots=True)
class RefChange:
    """One ref that a push moved.

    Attributes:
        ref: Its full name, such as ``refs/heads/main``.
        before: The hash it had; ``None``: it is new.
        after: The hash it has; ``None``: it is deleted.
    """

    ref: str
    before: str | None
    after: str | None

    @property
    def branch(self) -> str | None:
        """The branch's name, or ``None`` if it is no branch."""
        return self.ref.removeprefix(_HEADS) if self.ref.startswith(_HEADS) else None


@dataclass(frozen=True, slots=True)
class Push:
    """A push that was taken.

    Attributes:
        name: The repository.
        changes: What it changed, in the order in which git reported it.
        id: Unique; ids sort by the time at which the push began.
    """

    name: str
    changes: tuple[RefChange, ...]
    id: str


class Remotes(Protocol):
    """Repositories that the platform keeps itself, to which people push."""

    def address(self, name: str) -> str:
        """Return the address by which the source reads a repository."""
        ...

    def clone_url(self, name: str) -> str:
        """Return the URL that a person pushes to, without credentials; empty if the platform has no URL."""
        ...

    async def delete(self, name: str) -> None:
        """Delete a repository and forget its pending pushes; what is gone is done."""
        ...

    async def sweep(self) -> int:
        """Clear what killed programs left behind; return how much it was."""
        ...

    async def inventory(self) -> frozenset[str]:
        """Return the names of the repositories that really exist: for the audit."""
        ...


class PushInbox(Protocol):
    """Pushes that were taken and not yet followed up, whatever was killed in between."""

    async def deliver(self, name: str | None = None) -> int:
        """Hand every pending push (of one repository, if named) on, oldest first; return how many."""
        ...
