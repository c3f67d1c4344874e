"""Which instance has which port."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from euryale.cloud.host.errors import NoFreePortError
from euryale.cloud.host.guard import exclusive_file
from euryale.cloud.host.ports import free_port, is_free
from euryale.cloud.providers.errors import ProviderUnavailableError


class PortBook:
    """Hands out ports one after the other, so that a port just given back is the last to be used again.

    A route that still leads to a stopped instance then leads nowhere, rather than into another customer's application.
    Each book begins somewhere else, so that two platforms on one machine do not run after the same ports.

    Args:
        path: The file that holds the port handed out last; its lock makes choosing and recording one act.
        ports: The range to choose from.
        recorded: Returns the ports that instances have, running or not.
    """

    def __init__(self, path: Path, ports: range, recorded: Callable[[], set[int]]) -> None:
        self._path = path
        self._ports = ports
        self._recorded = recorded

    @contextmanager
    def allocate(self, preferred: int = 0) -> Iterator[int]:
        """Choose a port, to be recorded before the block ends.

        Args:
            preferred: The port that the instance had before, taken again if nobody else listens there.

        Raises:
            ProviderUnavailableError: If every port is taken.
        """
        with exclusive_file(self._path) as descriptor:
            if preferred and is_free(preferred):
                yield preferred
                return
            port = self._next(_last(descriptor) or self._beginning())
            os.pwrite(descriptor, f"{port:5}".encode(), 0)
            yield port

    def _beginning(self) -> int:
        return self._ports[zlib.crc32(os.fsencode(self._path)) % len(self._ports)]

    def _next(self, last: int) -> int:
        taken = self._recorded()
        after = max(last + 1, self._ports.start)
        try:
            return free_port(range(after, self._ports.stop), taken=taken)
        except NoFreePortError:
            pass
        try:
            return free_port(self._ports, taken=taken)
        except NoFreePortError as error:
            raise ProviderUnavailableError(
                f"No process can be started: {error}", hint="Stop instances, or give the runtime a wider range."
            ) from error


def _last(descriptor: int) -> int:
    text = os.pread(descriptor, 16, 0).strip()
    return int(text) if text.isdigit() else 0
