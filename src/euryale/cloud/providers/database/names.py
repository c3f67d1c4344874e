"""Names of projects and branches: checked in one place, since they become paths and words of commands."""

import re

from euryale.cloud.providers.errors import PermanentError

_NAME = re.compile(r"[a-z0-9-]{1,63}")


def checked_name(name: str) -> str:
    """Return ``name`` if it is lower-case letters, digits and dashes, at most 63 of them.

    Raises:
        PermanentError: If it is not.
    """
    if _NAME.fullmatch(name) is None:
        raise PermanentError(
            f"{name!r} cannot name a database project or branch.",
            hint="Use 1 to 63 lower-case letters, digits and dashes.",
        )
    return name
