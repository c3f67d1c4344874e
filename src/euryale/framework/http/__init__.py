"""HTTP: FastAPI with injection, one shape of errors, pages, event streams and health."""

from euryale.framework.http.api import check_routes, create_api
from euryale.framework.http.bodies import ErrorBody, ErrorDetail, ErrorInfo
from euryale.framework.http.errors import AddressError, CursorError, RouteError
from euryale.framework.http.health import Check, Readiness
from euryale.framework.http.inject import Inject
from euryale.framework.http.observation import REQUEST_ID_HEADER, Observation, current_request_id
from euryale.framework.http.paging import Page, Paging, PagingQuery, decode_cursor, encode_cursor
from euryale.framework.http.statuses import ErrorStatuses
from euryale.framework.http.streams import EventStream, LastEventId, ServerEvent, StreamGate

__all__ = [
    "REQUEST_ID_HEADER",
    "AddressError",
    "Check",
    "CursorError",
    "ErrorBody",
    "ErrorDetail",
    "ErrorInfo",
    "ErrorStatuses",
    "EventStream",
    "Inject",
    "LastEventId",
    "Observation",
    "Page",
    "Paging",
    "PagingQuery",
    "Readiness",
    "RouteError",
    "ServerEvent",
    "StreamGate",
    "check_routes",
    "create_api",
    "current_request_id",
    "decode_cursor",
    "encode_cursor",
]
