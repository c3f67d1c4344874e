"""The API of an application: its routers, with errors, health, request ids and injection in place."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.types import Lifespan

from euryale.framework.container import Graph
from euryale.framework.container.signature import name_of
from euryale.framework.http.bodies import ErrorBody
from euryale.framework.http.errors import RouteError
from euryale.framework.http.failures import handle_failures
from euryale.framework.http.health import Readiness
from euryale.framework.http.health import router as health_router
from euryale.framework.http.inject import Resolver
from euryale.framework.http.observation import Observation
from euryale.framework.http.statuses import ErrorStatuses
from euryale.framework.http.streams import StreamGate
from euryale.kit.telemetry import Telemetry

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    422: {"model": ErrorBody, "description": "The request is not acceptable."},
    "default": {"model": ErrorBody, "description": "Every other error has this shape, too."},
}


def create_api(
    *,
    title: str,
    version: str,
    routers: Sequence[APIRouter],
    telemetry: Telemetry,
    statuses: ErrorStatuses | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
    """Return the API. Its container is set, as ``state.container``, as long as the application runs.

    Args:
        title: The application's name, for its documentation.
        version: Its version.
        routers: Its routes.
        telemetry: Who is told of each request.
        statuses: Which status an error has.
        lifespan: What runs as long as the server does.
    """
    statuses = statuses or ErrorStatuses()
    api = FastAPI(title=title, version=version, responses=_ERRORS, lifespan=lifespan)
    api.state.container = None
    api.state.error_statuses = statuses
    api.state.readiness = Readiness()
    api.state.stream_gate = StreamGate()
    handle_failures(api, statuses)
    api.add_middleware(Observation, telemetry=telemetry)
    for router in (health_router, *routers):
        api.include_router(router)
    return api


def check_routes(api: FastAPI, graph: Graph) -> None:
    """Check that no two endpoints answer the same request, and that all they inject is provided.

    Raises:
        RouteError: If two endpoints have the same method and path.
        MissingProviderError: If an endpoint injects what nobody provides.
    """
    seen: dict[tuple[str, str], Any] = {}
    for route in iter_route_contexts(api.routes):
        endpoint = route.endpoint
        for method in sorted(route.methods or ()):
            first = seen.setdefault((method, route.path or ""), endpoint)
            if first is not endpoint:
                raise RouteError(
                    f"{method} {route.path} is answered by {name_of(first)} and by {name_of(endpoint)}",
                    hint="Give one of them another path.",
                )
        for resolver in _resolvers(getattr(route, "dependant", None)):
            graph.check_type(resolver.wanted, asked_by=endpoint)


def _resolvers(dependant: Dependant | None) -> Iterator[Resolver]:
    if dependant is None:
        return
    if isinstance(dependant.call, Resolver):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _resolvers(inner)
