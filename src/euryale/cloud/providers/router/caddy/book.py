"""Which routes there are to be, on disk: Caddy is started again from it."""

import json
import os
import shutil
from pathlib import Path

from euryale.cloud.providers.router.caddy.config import Json, route_entry
from euryale.cloud.providers.router.contract import Route


class RouteBook:
    """Keeps routes beneath ``root``.

    ``routes/NAME.json``     name, hosts and upstreams
    ``upstreams/NAME/0``...  the address of one upstream; Caddy reads it for each request

    Every file is replaced as a whole, so that a reader sees the old or the new one.
    """

    def __init__(self, root: Path) -> None:
        self._routes = root / "routes"
        self._upstreams = root / "upstreams"

    def prepare(self) -> None:
        """Make the directories, and delete what an interrupted removal left."""
        self._routes.mkdir(parents=True, exist_ok=True)
        self._upstreams.mkdir(exist_ok=True)
        known = {route.name for route in self.routes()}
        for directory in self._upstreams.iterdir():
            if directory.name not in known:
                shutil.rmtree(directory, ignore_errors=True)

    def routes(self) -> list[Route]:
        """Return all routes, by name."""
        return [_parse(path) for path in sorted(self._routes.glob("*.json"))]

    def find(self, name: str) -> Route | None:
        """Return the route of that name."""
        path = self._record(name)
        return _parse(path) if path.exists() else None

    def write(self, route: Route) -> None:
        """Write the route down; from now on its requests go to its upstreams, if their number is as before."""
        fields = {"name": route.name, "hosts": route.hosts, "upstreams": route.upstreams}
        _replace(self._record(route.name), json.dumps(fields))
        self.fill_slots(route)

    def fill_slots(self, route: Route) -> None:
        """Write the addresses of the route's upstreams for Caddy to read."""
        (self._upstreams / route.name).mkdir(exist_ok=True)
        for slot, upstream in zip(self.slots(route), route.upstreams, strict=True):
            _replace(slot, upstream)

    def strike_out(self, name: str) -> None:
        """Delete the route's record."""
        self._record(name).unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Delete the addresses of a route that Caddy does not have any more."""
        shutil.rmtree(self._upstreams / name, ignore_errors=True)

    def slots(self, route: Route) -> list[Path]:
        """Return the files that hold the addresses of its upstreams."""
        return [self._upstreams / route.name / str(number) for number in range(len(route.upstreams))]

    def entry(self, route: Route) -> Json:
        """Return the route's configuration."""
        return route_entry(route, self.slots(route))

    def _record(self, name: str) -> Path:
        return self._routes / f"{name}.json"


def _parse(path: Path) -> Route:
    fields = json.loads(path.read_bytes())
    return Route(fields["name"], tuple(fields["hosts"]), tuple(fields["upstreams"]))


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
