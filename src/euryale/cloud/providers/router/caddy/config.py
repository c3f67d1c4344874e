"""Caddy's configuration. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from euryale.cloud.providers.router.contract import Route

SERVER = "euryale"
ROUTES = f"/config/apps/http/servers/{SERVER}/routes"

Json = dict[str, Any]

_ID = "route-"

_RETRY = {"try_duration": "5s", "try_interval": "50ms"}
_STREAM_CLOSE_DELAY = "1h"
"""Streams such as WebSockets outlive a change of the configuration by this; Caddy would end them at once."""

_UPSTREAM_IDLE = "4s"
"""Less than the 5 s after which Node and uvicorn close an idle connection: a request never meets a closing one."""

_PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>body{{font:1rem/1.5 system-ui,sans-serif;margin:20vh auto;max-width:36rem;"
    "padding:0 1rem}}</style><h1>{title}</h1><p>{text}</p>\n"
)


@dataclass(frozen=True, slots=True)
class Acme:
    """How to get certificates, for HTTPS.

    Attributes:
        email: Where the authority writes when something is wrong with them.
        directory: The authority's ACME directory; None for the ones that Caddy uses by itself.
        http_port: The port of plain HTTP, which leads to HTTPS.
    """

    email: str
    directory: str | None = None
    http_port: int = 80


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change while Caddy runs.

    Attributes:
        bind: The address to listen on; empty: all.
        port: The port to listen on.
        admin: The Unix socket of the admin API.
        log: The file of Caddy's own log.
        acme: How to get certificates; None: plain HTTP.
    """

    bind: str
    port: int
    admin: Path
    log: Path
    acme: Acme | None = None


def document(settings: Settings, routes: Iterable[Json]) -> Json:
    """Return the whole configuration with ``routes`` in front of the page for unknown hosts."""
    http: Json = {"servers": {SERVER: _server(settings, routes)}}
    apps: Json = {"http": http}
    if settings.acme is not None:
        http |= {"http_port": settings.acme.http_port, "https_port": settings.port}
        apps["tls"] = {"automation": {"policies": [{"issuers": [_issuer(settings.acme)]}]}}
    return {
        "admin": {"listen": f"unix/{settings.admin}", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN", "writer": _log_writer(settings.log)}}},
        "apps": apps,
    }


def route_id(name: str) -> str:
    """Return the id by which the admin API finds the route."""
    return f"{_ID}{name}"


def route_name(route: Json) -> str | None:
    """Return the name of a route of the configuration, or None if it is none of ours."""
    identity = route.get("@id", "")
    return identity.removeprefix(_ID) if identity.startswith(_ID) else None


def route_entry(route: Route, slots: Iterable[Path]) -> Json:
    """Return the configuration of ``route``.

    Args:
        route: The route.
        slots: The files that hold the addresses of its upstreams.
    """
    upstreams = [{"dial": f"{{file.{slot}}}"} for slot in slots]
    handler = _proxy(upstreams) if upstreams else _page(503, "Nothing is deployed here yet", "Try again in a moment.")
    return {
        "@id": route_id(route.name),
        "match": [{"host": list(route.hosts)}],
        "handle": [handler],
        "terminal": True,
    }


def _server(settings: Settings, routes: Iterable[Json]) -> Json:
    unknown = _page(404, "Nothing is at this address", "No application has this host name.")
    failed = _page("{http.error.status_code}", "The application does not answer", "Try again in a moment.")
    server: Json = {
        "listen": [f"{settings.bind}:{settings.port}"],
        "routes": [*routes, {"handle": [unknown]}],
        "errors": {"routes": [{"handle": [failed]}]},
    }
    if settings.acme is None:
        server |= {"automatic_https": {"disable": True}, "protocols": ["h1"]}
    return server


def _proxy(upstreams: list[Json]) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": upstreams,
        "load_balancing": {"selection_policy": {"policy": "least_conn"}, **_RETRY},
        "stream_close_delay": _STREAM_CLOSE_DELAY,
        "transport": {"protocol": "http", "dial_timeout": "2s", "keep_alive": {"idle_timeout": _UPSTREAM_IDLE}},
    }


def _page(status: int | str, title: str, text: str) -> Json:
    return {
        "handler": "static_response",
        "status_code": status,
        "headers": {"Content-Type": ["text/html; charset=utf-8"], "Cache-Control": ["no-store"]},
        "body": _PAGE.format(title=title, text=text),
    }


def _issuer(acme: Acme) -> Json:
    issuer: Json = {"module": "acme", "email": acme.email}
    return issuer | ({"ca": acme.directory} if acme.directory else {})


def _log_writer(path: Path) -> Json:
    return {"output": "file", "filename": str(path), "roll_size_mb": 10, "roll_keep": 2}
