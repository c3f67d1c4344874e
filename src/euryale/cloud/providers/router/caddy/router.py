"""The router that is Caddy."""

import asyncio
import logging
from pathlib import Path

from euryale.cloud.host.errors import HostError
from euryale.cloud.host.guard import exclusive
from euryale.cloud.providers.errors import PermanentError, ProviderError, ProviderUnavailableError
from euryale.cloud.providers.router.caddy.admin import Admin
from euryale.cloud.providers.router.caddy.book import RouteBook
from euryale.cloud.providers.router.caddy.config import ROUTES, Acme, Json, Settings, document, route_id, route_name
from euryale.cloud.providers.router.caddy.process import CaddyProcess
from euryale.cloud.providers.router.contract import Route
from euryale.cloud.providers.router.names import check_host, check_name, check_route, check_upstream
from euryale.kit.clock import SYSTEM_CLOCK
from euryale.kit.lifecycle import Tasks

_START = 20.0
_LOOK = 0.02
_WATCH = 0.5
_DRAIN_LOOK = 0.05
_QUIET_LOOKS = 2
_LONGEST_SOCKET = 100
_HTTP, _HTTPS = 80, 443

_log = logging.getLogger(__name__)


class CaddyRouter:
    """Leads requests through a Caddy that outlives the platform, and is found again by the next one.

    While started it watches Caddy and starts it again, with all routes, when it dies.

    Args:
        root: The directory of everything it keeps; at most some 80 characters, for the sake of the admin socket.
        port: The port that browsers reach: of HTTPS if ``acme`` is given, else of HTTP.
        bind: The address to listen on; empty: all.
        acme: How to get certificates; None: plain HTTP.
    """

    def __init__(self, root: Path, *, port: int, bind: str = "127.0.0.1", acme: Acme | None = None) -> None:
        root = root.absolute()
        socket = root / "admin.sock"
        if len(str(socket)) > _LONGEST_SOCKET or set("{}") & set(str(root)):
            raise PermanentError(f"{root} cannot be the router's directory.", hint="Choose a shorter, plain path.")
        self._root = root
        self._settings = Settings(bind=bind, port=port, admin=socket, log=root / "caddy.log", acme=acme)
        self._book = RouteBook(root)
        self._process = CaddyProcess(root, bind=bind, port=port)
        self._admin = Admin(socket)
        self._tasks = Tasks()
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Find Caddy or start it, see that it has the routes on record, and watch it from now on.

        Raises:
            ProviderUnavailableError: If it cannot be started, such as for its port being taken.
            HostError: If there is no Caddy.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(self._book.prepare)
        await self._ensure()
        self._tasks.spawn(self._watch(), name="caddy watchdog")

    async def stop(self) -> None:
        """Stop watching. Caddy goes on serving."""
        await self._tasks.stop()

    async def shutdown(self) -> None:
        """Stop watching, and end Caddy; its routes stay on record."""
        await self.stop()
        try:
            await self._admin.stop()
        except ProviderUnavailableError:
            _log.info("Caddy does not answer; it may have ended before")
        await self._process.wait_for_end()
        await self._admin.close()

    async def put(self, route: Route) -> None:
        """Make the route, or replace the one of that name; when this returns, new requests go the new way.

        As long as neither its hosts nor the number of its upstreams change, no connection is touched.

        Raises:
            ProviderUnavailableError: If the router cannot be reached.
            PermanentError: If a name in it is not acceptable, or one of its hosts belongs to another route.
        """
        check_route(route)
        async with self._changing:
            self._check_hosts_free(route)
            entry = self._book.entry(route)
            found = await self._admin.get(f"/id/{route_id(route.name)}")
            before = self._book.find(route.name)
            await asyncio.to_thread(self._book.write, route)
            try:
                await self._apply(route, entry, found)
            except PermanentError:
                self._take_back(route, before)  # a record that Caddy refuses would keep it from starting again
                raise

    async def drain(self, upstream: str, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 -- the contract's
        """Wait until no request is in flight to ``upstream`` (it must be in no route), at most ``timeout`` seconds.

        Raises:
            ProviderUnavailableError: If the router cannot be reached.
        """
        check_upstream(upstream)
        deadline = SYSTEM_CLOCK.monotonic() + timeout
        quiet = 0  # a request may have taken the address and not be counted yet: one quiet look proves nothing
        while quiet < _QUIET_LOOKS and SYSTEM_CLOCK.monotonic() < deadline:
            known = await self._admin.get("/reverse_proxy/upstreams") or []
            busy = any(each["address"] == upstream and each["num_requests"] > 0 for each in known)
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(_DRAIN_LOOK)

    async def remove(self, name: str) -> None:
        """Delete the route; what is gone is done.

        Raises:
            ProviderUnavailableError: If the router cannot be reached.
        """
        check_name(name)
        async with self._changing:
            self._book.strike_out(name)
            await self._admin.delete(f"/id/{route_id(name)}")
            await asyncio.to_thread(self._book.forget, name)

    def url(self, host: str) -> str:
        """Return the address under which a browser reaches ``host``."""
        check_host(host)
        scheme, usual = ("http", _HTTP) if self._settings.acme is None else ("https", _HTTPS)
        port = "" if self._settings.port == usual else f":{self._settings.port}"
        return f"{scheme}://{host}{port}/"

    async def inventory(self) -> frozenset[str]:
        """Return the names of the routes that Caddy has.

        Raises:
            ProviderUnavailableError: If the router cannot be reached.
        """
        routes = await self._admin.get(ROUTES) or []
        return frozenset(name for route in routes if (name := route_name(route)) is not None)

    async def _apply(self, route: Route, entry: Json, found: Json | None) -> None:
        if found is None:
            await self._admin.insert(f"{ROUTES}/0", entry)
        elif found != entry:
            await self._admin.replace(f"/id/{route_id(route.name)}", entry)

    def _take_back(self, route: Route, before: Route | None) -> None:
        if before is not None:
            self._book.write(before)
        else:
            self._book.strike_out(route.name)
            self._book.forget(route.name)

    def _check_hosts_free(self, route: Route) -> None:
        for other in self._book.routes():
            if other.name != route.name and (taken := set(route.hosts) & set(other.hosts)):
                raise PermanentError(f"The host {min(taken)!r} belongs to the route {other.name!r}.")

    async def _ensure(self) -> None:
        """See that Caddy runs with the routes on record."""
        async with exclusive(self._root / "start.lock"), self._changing:
            wanted = await asyncio.to_thread(self._wanted)
            if not await self._answers():
                await self._launch(wanted)
            elif await self._admin.get("/config/") != wanted:
                await self._admin.load(wanted)

    def _wanted(self) -> Json:
        routes = self._book.routes()
        for route in routes:
            self._book.fill_slots(route)
        return document(self._settings, [self._book.entry(route) for route in routes])

    async def _launch(self, wanted: Json) -> None:
        if not self._process.alive():
            self._process.start(wanted)
        deadline = SYSTEM_CLOCK.monotonic() + _START
        while not await self._answers():
            if not self._process.alive() or SYSTEM_CLOCK.monotonic() > deadline:
                raise ProviderUnavailableError(f"Caddy did not start. {self._process.complaint()}".strip())
            await asyncio.sleep(_LOOK)

    async def _answers(self) -> bool:
        try:
            await self._admin.get("/config/admin/listen")
        except ProviderUnavailableError:
            return False
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH)
            try:
                if not self._process.alive() and not await self._answers():
                    _log.warning("Caddy has died and is started again. %s", self._process.complaint())
                    await self._ensure()
            except (ProviderError, HostError, OSError) as error:
                _log.error("Caddy cannot be started: %s", error)
