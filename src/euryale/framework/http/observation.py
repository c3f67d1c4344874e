"""What is noted of each request: its id, its access-log event, and what nobody handled."""

import logging
import re
from contextvars import ContextVar
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from euryale.framework.http.bodies import body_of
from euryale.framework.http.statuses import ErrorStatuses
from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.ids import new_id
from euryale.kit.telemetry import Telemetry

REQUEST_ID_HEADER: Final = "X-Request-ID"
REQUEST_FINISHED: Final = "http.request.finished"

_ACCEPTABLE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_log = logging.getLogger(__name__)


def current_request_id() -> str:
    """Return the id of the request that is being answered; empty outside of one."""
    return _request_id.get()


class Observation:
    """The outermost layer of an API, in plain ASGI.

    It gives each request an id (the caller's ``X-Request-ID`` if it is a plain one), answers 500 to what nobody
    handled, and reports ``http.request.finished`` with ``request_id``, ``method``, ``path`` (no query),
    ``route`` (the path's pattern, empty if none matched), ``status`` and ``seconds``.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, clock: Clock = SYSTEM_CLOCK) -> None:
        self._app = app
        self._telemetry = telemetry
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        token = _request_id.set(request_id)
        started, answer = self._clock.monotonic(), _Answer(send, request_id)
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            _log.debug("the client of request %s went away", request_id)
        except Exception as error:
            _log.exception("request %s failed", request_id)
            if answer.status:
                raise
            await _internal_error(error, request_id)(scope, receive, answer.send)
        finally:
            _request_id.reset(token)
            self._report(scope, request_id, answer.status, self._clock.monotonic() - started)

    def _report(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        self._telemetry.report(
            REQUEST_FINISHED,
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            route=getattr(scope.get("route"), "path", ""),
            status=status,
            seconds=seconds,
        )


class _Answer:
    """Notes the status of the answer and adds the request's id to it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self._request_id
        await self._send(message)


def _id_of(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else new_id("req")


def _internal_error(error: Exception, request_id: str) -> JSONResponse:
    _, body = body_of(error, ErrorStatuses(), request_id=request_id)
    return JSONResponse(body.model_dump(), status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
