"""What may be the name of a route, a host and an upstream. Pure."""

import re

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.router.contract import Route

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UPSTREAM = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([0-9]{1,5})")
_LONGEST_HOST = 253
_LAST_PORT = 65_535


def check_route(route: Route) -> None:
    """Check every name in ``route``.

    Raises:
        PermanentError: If one is not acceptable.
    """
    check_name(route.name)
    if not route.hosts:
        raise PermanentError(f"The route {route.name!r} has no host.")
    for host in route.hosts:
        check_host(host)
    for upstream in route.upstreams:
        check_upstream(upstream)


def check_name(name: str) -> None:
    """Check that ``name`` can be a route's handle; raises ``PermanentError`` if not."""
    if not _NAME.fullmatch(name):
        raise PermanentError(
            f"{name!r} cannot be the name of a route.", hint="Use letters, digits, '.', '_' and '-'; at most 100."
        )


def check_host(host: str) -> None:
    """Check that ``host`` is a host name (RFC 1123), lower case; raises ``PermanentError`` if not."""
    labels = host.split(".")
    if len(host) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise PermanentError(
            f"{host!r} is no host name.",
            hint="Labels of lower-case letters, digits and dashes, joined by dots; no port, no address.",
        )


def check_upstream(upstream: str) -> None:
    """Check that ``upstream`` is ``host:port``; raises ``PermanentError`` if not."""
    found = _UPSTREAM.fullmatch(upstream)
    if not found or not 0 < int(found[2]) <= _LAST_PORT:
        raise PermanentError(f"{upstream!r} is no upstream.", hint="An upstream is host:port.")
