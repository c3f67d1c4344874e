"""Which HTTP status an error has. Only this room knows."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from euryale.kit.errors import (
    ConflictError,
    EuryaleError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)

_DEFAULTS: Final[Mapping[type[EuryaleError], int]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ErrorStatuses:
    """The status of each class of errors; a subclass has that of its nearest base.

    Args:
        more: What the application adds or changes, such as ``{QuotaExceededError: 429}``.
    """

    def __init__(self, more: Mapping[type[EuryaleError], int] | None = None) -> None:
        self._statuses: dict[type, int] = {**_DEFAULTS, **(more or {})}

    def of(self, error: EuryaleError) -> int | None:
        """Return the status of an error; ``None`` if it is nobody's business outside: answer 500, and log it."""
        return next((int(self._statuses[base]) for base in type(error).__mro__ if base in self._statuses), None)
