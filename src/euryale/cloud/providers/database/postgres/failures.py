"""What the output of a PostgreSQL program means to the caller. Pure."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.kit.errors import EuryaleError

_TAIL_LINES = 12
_TAIL_CHARACTERS = 2000
_FULL = ("no space left on device", "disk quota exceeded")
_MEMORY = ("cannot allocate memory", "could not create shared memory segment", "could not map anonymous shared memory")
FREE_DISK = "Free some disk space: destroy branches that are not needed, or enlarge the disk. It is then tried again."
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT}
_ACCESS_ERRORS = {errno.EACCES, errno.EPERM, errno.EROFS}


def tail(output: str) -> str:
    """Return the last lines of ``output``, few enough for a message."""
    return "\n".join(output.strip().splitlines()[-_TAIL_LINES:])[-_TAIL_CHARACTERS:]


def port_was_taken(output: str) -> bool:
    """Return whether the server ended because somebody else listens on its port."""
    return "Address already in use" in output


def explained(what: str, output: str) -> EuryaleError:
    """Return the error for a program that failed.

    Args:
        what: What was attempted, as a clause: ``"initdb failed"``.
        output: All that the program or the server's log said.
    """
    message = f"{what}: {tail(output) or 'it said nothing.'}"
    lowered = output.lower()
    if any(sign in lowered for sign in _FULL):
        return ProviderUnavailableError(message, hint=FREE_DISK)
    if any(sign in lowered for sign in _MEMORY):
        return ProviderUnavailableError(message, hint="Free some memory: suspend branches, or enlarge the machine.")
    if "invalid locale name" in lowered:
        return HostError(message, hint="Install the locale C.UTF-8 on this machine.")
    if "permission denied" in lowered:
        return HostError(message, hint="Let the database account use the files that are named.")
    return ProviderUnavailableError(message)


def explained_os_error(error: OSError) -> EuryaleError:
    """Return the error for a call to the operating system that failed."""
    if error.errno in _DISK_ERRORS:
        return ProviderUnavailableError(f"The database's disk is full: {error}.", hint=FREE_DISK)
    if error.errno in _ACCESS_ERRORS:
        return HostError(
            f"The database's files are not accessible: {error}.", hint="Let the platform own its data directory."
        )
    return ProviderUnavailableError(f"The machine refused a step of the database: {error}.")


@contextmanager
def os_errors_explained() -> Iterator[None]:
    """Raise :func:`explained_os_error` in place of every ``OSError`` within."""
    try:
        yield
    except OSError as error:
        raise explained_os_error(error) from error
