"""The router for tests: remembers routes and leads nobody anywhere."""

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.router.contract import Route
from euryale.cloud.providers.router.names import check_name, check_route, check_upstream


class MemoryRouter:
    """Behaves as the contract says, in memory.

    Attributes:
        routes: What stands, by name.
        drained: The upstreams that ``drain`` was called for, in order.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.drained: list[str] = []

    async def put(self, route: Route) -> None:
        """Remember the route in the place of the one of that name."""
        check_route(route)
        for other in self.routes.values():
            if other.name != route.name and (taken := set(route.hosts) & set(other.hosts)):
                raise PermanentError(f"The host {min(taken)!r} belongs to the route {other.name!r}.")
        self.routes[route.name] = route

    async def drain(self, upstream: str, *, timeout: float = 30.0) -> None:  # noqa: ARG002, ASYNC109 -- the contract's
        """Remember that it was asked for; no request is ever in flight."""
        check_upstream(upstream)
        self.drained.append(upstream)

    async def remove(self, name: str) -> None:
        """Forget the route."""
        check_name(name)
        self.routes.pop(name, None)

    def url(self, host: str) -> str:
        """Return ``http://HOST/``."""
        return f"http://{host}/"

    async def inventory(self) -> frozenset[str]:
        """Return the names of the routes that stand."""
        return frozenset(self.routes)
