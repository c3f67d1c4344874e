"""What a pipeline or a build may be called: the name becomes a directory's."""

import re

from euryale.cloud.providers.errors import PermanentError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def check_names(*names: str) -> None:
    """Refuse names that are not plain.

    Raises:
        PermanentError: If one could be read as a path, an option or anything but a name.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise PermanentError(
                f"{name!r} is no name for a pipeline or a build.",
                hint="Lower-case letters, digits, - and _, at most 100; a letter or a digit first.",
            )
