"""Names that are safe everywhere: in host names, directories, databases and commands."""

import hashlib
import re

from euryale.cloud.modules.projects.errors import InvalidHandleError

_HANDLE = re.compile(r"[a-z](?:-?[a-z0-9])*")
_SHORTEST, _LONGEST = 2, 30
_RESERVED = frozenset({"localhost", "production-base", "admin", "api", "www", "git", "euryale"})
_SUFFIX = 8
_LOOKS_HASHED = re.compile(r".*-[0-9a-f]{8}")


def check_handle(name: str) -> str:
    """Return the name of a project if it is acceptable.

    Raises:
        InvalidHandleError: If it is not 2 to 30 lower-case letters, digits and single dashes, a letter first.
    """
    if not _SHORTEST <= len(name) <= _LONGEST or not _HANDLE.fullmatch(name):
        shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
        raise InvalidHandleError(
            f"{shown!r} is no name for a project.",
            hint="Use 2 to 30 lower-case letters, digits and single dashes, a letter first: my-shop.",
        )
    if name in _RESERVED:
        raise InvalidHandleError(f"The name {name!r} is reserved.", hint="Choose another one.")
    return name


def environment_handle(branch: str) -> str:
    """Return the handle of the preview of a branch: readable, safe, and never that of another branch.

    A branch whose name is safe as it is keeps it; any other gets a few characters of its hash.

    Example:
        >>> environment_handle("new-checkout")
        'new-checkout'
        >>> environment_handle("feature/New checkout")
        'feature-new-checkout-f8de2e88'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    plain = plain if plain[:1].isalpha() else f"b-{plain}".rstrip("-")
    if plain == branch and len(plain) <= _LONGEST and plain != "production" and not _LOOKS_HASHED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(branch.encode("utf-8", "surrogatepass")).hexdigest()[:_SUFFIX]
    return f"{plain[: _LONGEST - _SUFFIX - 1].rstrip('-')}-{digest}"
