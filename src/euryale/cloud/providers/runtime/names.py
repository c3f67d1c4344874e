"""What may be the name of an environment or an instance. Pure."""

import re

from euryale.cloud.providers.errors import PermanentError

HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_handle(name: str) -> str:
    """Return ``name`` if it can be a handle: it becomes the name of a directory.

    Raises:
        PermanentError: If it cannot.
    """
    if not HANDLE.fullmatch(name):
        raise PermanentError(
            f"{name!r} is no handle.", hint="Use letters, digits, '.', '_' and '-'; at most 100, no '.' in front."
        )
    return name
