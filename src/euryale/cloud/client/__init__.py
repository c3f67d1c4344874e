"""A typed client of the platform's HTTP API."""

from euryale.cloud.client.errors import NotAuthorizedError, PlatformError, UnreachableError
from euryale.cloud.client.platform import PlatformClient, ProjectRequest, VariableValue

__all__ = [
    "NotAuthorizedError",
    "PlatformClient",
    "PlatformError",
    "ProjectRequest",
    "UnreachableError",
    "VariableValue",
]
