"""Free TCP ports on loopback."""

import socket
from collections.abc import Collection

from euryale.cloud.host.errors import NoFreePortError


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on ``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(candidates: range, *, taken: Collection[int] = ()) -> int:
    """Return the first port of ``candidates`` that is not in ``taken`` and that nobody listens on.

    Raises:
        NoFreePortError: If there is none.
    """
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise NoFreePortError(f"No free port between {candidates.start} and {candidates.stop - 1}.")
