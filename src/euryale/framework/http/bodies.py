"""The one shape of every error that leaves the server."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, Field

from euryale.framework.http.statuses import ErrorStatuses
from euryale.kit.errors import EuryaleError

_INTERNAL: Final = "Something went wrong on our side. It was logged under the id of this request."
_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}


class ErrorDetail(BaseModel):
    """One part of what is wrong with a request."""

    field: str = Field(description="where it is, such as body.name")
    message: str = Field(description="what is wrong with it, and what is allowed")


class ErrorInfo(BaseModel):
    """What went wrong."""

    code: str = Field(description="a stable, dotted name of the kind of error, for programs")
    message: str = Field(description="what happened, for a person")
    hint: str = Field(default="", description="what can be done about it")
    details: list[ErrorDetail] = Field(default_factory=list)
    request_id: str = Field(default="", description="the id under which the request was logged")


class ErrorBody(BaseModel):
    """The body of every answer whose status is 400 or more."""

    error: ErrorInfo


def body_of(error: Exception, statuses: ErrorStatuses, *, request_id: str) -> tuple[int, ErrorBody]:
    """Return the status and body for an error; one that is nobody's business outside tells nothing."""
    status = statuses.of(error) if isinstance(error, EuryaleError) else None
    if status is None or not isinstance(error, EuryaleError):
        internal = ErrorInfo(code="http.internal", message=_INTERNAL, request_id=request_id)
        return HTTPStatus.INTERNAL_SERVER_ERROR, ErrorBody(error=internal)
    info = ErrorInfo(code=error.code, message=error.message, hint=error.hint, request_id=request_id)
    return status, ErrorBody(error=info)


def body_of_status(status: int, message: str, *, request_id: str) -> ErrorBody:
    """Return the body for a bare HTTP status, such as that of a path without a route."""
    phrase = _PHRASES.get(status, "error")
    code = f"http.{phrase.lower().replace(' ', '_').replace('-', '_')}"
    return ErrorBody(error=ErrorInfo(code=code, message=message or phrase, request_id=request_id))


def body_of_validation(problems: Sequence[Any], *, request_id: str) -> ErrorBody:
    """Return the body for a request that does not fit its schema. It never quotes the input: that may be a secret."""
    details = [ErrorDetail(field=".".join(map(str, each["loc"])), message=each["msg"]) for each in problems]
    return ErrorBody(
        error=ErrorInfo(
            code="http.invalid_request",
            message="The request is not acceptable as it is.",
            hint="See details: each names a field and what is allowed.",
            details=details,
            request_id=request_id,
        )
    )
