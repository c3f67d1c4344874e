"""Turns every error of a request into the one shape of errors."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from euryale.framework.http.bodies import ErrorBody, body_of, body_of_status, body_of_validation
from euryale.framework.http.observation import current_request_id
from euryale.framework.http.statuses import ErrorStatuses
from euryale.kit.errors import EuryaleError

_log = logging.getLogger(__name__)


def handle_failures(api: FastAPI, statuses: ErrorStatuses) -> None:
    """Let an API answer errors of every kind in the one shape."""

    async def on_our_error(_request: Request, error: Exception) -> Response:
        status, body = body_of(error, statuses, request_id=current_request_id())
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request %s failed", current_request_id(), exc_info=error)
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        return _answer(status, body, headers)

    async def on_http_error(_request: Request, error: Exception) -> Response:
        found = cast("HTTPException", error)
        body = body_of_status(found.status_code, str(found.detail), request_id=current_request_id())
        return _answer(found.status_code, body, found.headers)

    async def on_invalid_request(_request: Request, error: Exception) -> Response:
        found = cast("RequestValidationError", error)
        body = body_of_validation(found.errors(), request_id=current_request_id())
        return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, body, None)

    api.add_exception_handler(EuryaleError, on_our_error)
    api.add_exception_handler(HTTPException, on_http_error)
    api.add_exception_handler(RequestValidationError, on_invalid_request)


def _answer(status: int, body: ErrorBody, headers: Mapping[str, str] | None) -> Response:
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)
