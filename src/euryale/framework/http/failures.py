"""Turns every error of a request into the one shape of errors."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from euryale.framework.http.bodies import ErrorBody, body_of, body_of_status, body_of_validation
from euryale.framework.http.observation import current_request_id
from euryale.framework.http.statuses import ErrorStatuses
from euryale.kit.errors import EuryaleError

_log = logging.getLogger(__name__)


def handle_failures(api: FastAPI, statuses: ErrorStatuses) -> None:
    """Let an API answer errors of every kind in the one shape."""

    async def on_our_error(_request: Request, error: Exception) -> Response:
        status, body = body_of(error, statuses, request_id=current_request_id())
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request %s failed", current_request_id(), exc_info=error)
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        return _answer(status, body, headers)

    async def on_http_error(request: Request, error: Exception) -> Response:
        found = cast("HTTPException", error)
        headers = dict(found.headers or {})
        if found.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods_of(request))
        body = body_of_status(found.status_code, str(found.detail), request_id=current_request_id())
        return _answer(found.status_code, body, headers)

    async def on_invalid_request(_request: Request, error: Exception) -> Response:
        found = cast("RequestValidationError", error)
        body = body_of_validation(found.errors(), request_id=current_request_id())
        return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, body, None)

    api.add_exception_handler(EuryaleError, on_our_error)
    api.add_exception_handler(HTTPException, on_http_error)
    api.add_exception_handler(RequestValidationError, on_invalid_request)


def _methods_of(request: Request) -> list[str]:
    # the router names those of the first route with this path only
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods.update(route.methods or ())
    return sorted(methods)


def _answer(status: int, body: ErrorBody, headers: Mapping[str, str] | None) -> Response:
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)
