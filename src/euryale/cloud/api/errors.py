"""What the API itself refuses, and which status the errors of the platform have.

ConflictError
└── ExecutionStateError
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from euryale.cloud.buildplan.errors import BuildRefusedError
from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    GoneError,
    LockedError,
    PermanentError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from euryale.kit.errors import ConflictError, EuryaleError
from euryale.workflows import (
    EngineClosedError,
    IdempotencyError,
    StoreError,
    UnknownExecutionError,
    UnknownWorkflowError,
)


class ExecutionStateError(ConflictError):
    """The execution is in a state that does not allow this. The message says which."""

    code = "cloud.executions.state"


ERROR_STATUSES: Final[Mapping[type[EuryaleError], int]] = {
    ProviderError: HTTPStatus.BAD_GATEWAY,
    PermanentError: HTTPStatus.UNPROCESSABLE_ENTITY,
    AccessDeniedError: HTTPStatus.UNPROCESSABLE_ENTITY,  # the platform is refused by the provider, not the caller by us
    GoneError: HTTPStatus.NOT_FOUND,
    LockedError: HTTPStatus.CONFLICT,
    AlreadyExistsError: HTTPStatus.CONFLICT,
    RateLimitedError: HTTPStatus.SERVICE_UNAVAILABLE,
    ProviderUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    BuildRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    HostError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnknownExecutionError: HTTPStatus.NOT_FOUND,
    UnknownWorkflowError: HTTPStatus.NOT_FOUND,
    IdempotencyError: HTTPStatus.CONFLICT,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    EngineClosedError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each error that a request can meet; those of the framework come on top."""
