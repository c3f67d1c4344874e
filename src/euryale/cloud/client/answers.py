"""Reads answers of the platform: into models, or into errors."""

import ipaddress
import json
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from euryale.cloud.client.errors import NotAuthorizedError, PlatformError, UnreachableError

M = TypeVar("M", bound=BaseModel)

_PASSING: Final = frozenset({"workflows.engine_closed", "workflows.store", "framework.data.unavailable"})
"""What a stream reports while the platform stops or its disk hesitates: worth coming back for."""

_REFUSED_TO_CALLER: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def read_model(answer: httpx.Response, model: type[M]) -> M:
    """Return an answer's body as a model.

    Raises:
        PlatformError: If it is none: another program answers there, or a platform of another version.
    """
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        raise foreign_answer(answer.url) from error


def foreign_answer(url: httpx.URL) -> PlatformError:
    """Return the error for an answer that the platform cannot have given."""
    return PlatformError(
        f"What answers at {url.copy_with(path='/', query=None)} is not a Euryale platform of this version.",
        hint="Check the address, and that command and platform have the same version.",
    )


def error_of(answer: httpx.Response) -> PlatformError:
    """Return the error that an answer with a status of 400 or more reports."""
    try:
        return error_of_body(answer.json(), answer.status_code)
    except (ValueError, LookupError, TypeError):
        return PlatformError(
            f"The platform answered {answer.status_code} {answer.reason_phrase} without saying why.",
            hint="See its log.",
            status=answer.status_code,
        )


def error_of_body(body: Any, status: int) -> PlatformError:
    """Return the error that the one shape of errors reports.

    Raises:
        LookupError: If it has another shape.
        TypeError: If it has another shape.
    """
    told = body["error"]
    kind = NotAuthorizedError if status in _REFUSED_TO_CALLER else PlatformError
    details = tuple(f"{each['field'].removeprefix('body.')}: {each['message']}" for each in told.get("details", ()))
    return kind(told["message"], hint=told.get("hint", ""), reported=told["code"], status=status, details=details)


def error_of_stream(data: str) -> PlatformError:
    """Return the error that the last event of a stream reports."""
    try:
        body = json.loads(data)
        return error_of_body(body, HTTPStatus.SERVICE_UNAVAILABLE if body["error"]["code"] in _PASSING else 0)
    except (ValueError, LookupError, TypeError):
        return PlatformError("The platform ended the stream without saying why.", hint="See its log.")


def unreachable(url: str, error: Exception) -> UnreachableError:
    """Return the error for a platform that does not answer."""
    reason = str(error) or type(error).__name__
    hint = "Is it running? Start it with: euryale up" if is_loopback(url) else "Check the address and the network."
    return UnreachableError(f"The platform at {url} does not answer: {reason}.", hint=hint)


def is_loopback(url: str) -> bool:
    """Return whether an address leads to this machine, so that no proxy is to be asked."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
