"""The contract of the router family."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests for a host go.

    Attributes:
        name: The route's handle, such as an environment's.
        hosts: The host names, lower case, without port.
        upstreams: ``host:port`` of the processes that answer; empty: a page says that nothing is deployed yet.
    """

    name: str
    hosts: tuple[str, ...]
    upstreams: tuple[str, ...] = ()


class Router(Protocol):
    """Leads requests for a host name to a process. No change of a route loses a request."""

    async def put(self, route: Route) -> None:
        """Make the route, or replace the one of that name; when this returns, new requests go the new way.

        Raises:
            ProviderUnavailableError: If the router cannot be reached.
        """
        ...

    async def drain(self, upstream: str, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 -- a promise
        """Wait until no request is in flight to ``upstream`` (it must be in no route), at most ``timeout`` seconds."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the route; what is gone is done."""
        ...

    def url(self, host: str) -> str:
        """Return the address under which a browser on this machine or the internet reaches ``host``."""
        ...

    async def inventory(self) -> frozenset[str]:
        """Return the names of the routes that really exist: for the audit."""
        ...
