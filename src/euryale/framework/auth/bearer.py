"""Bearer tokens: the dependency that names the caller, and the one that asks for a role."""

from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from euryale.framework.auth.principal import Authenticator, Principal
from euryale.framework.http import Inject
from euryale.kit.errors import ForbiddenError, UnauthorizedError
from euryale.kit.secret import Secret

_bearer = HTTPBearer(auto_error=False, description="a token of this application")


async def _authenticate(
    authenticator: Inject[Authenticator],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    if credentials is None or not credentials.credentials:
        raise UnauthorizedError("this request carries no token", hint="Send Authorization: Bearer <token>.")
    return await authenticator.authenticate(Secret(credentials.credentials))


CurrentPrincipal = Annotated[Principal, Depends(_authenticate)]
"""The type of an endpoint's parameter that is the caller; a request without a valid token is refused (401)."""


def require(role: str, *others: str) -> Any:
    """Return a dependency that lets only callers through who have one of the roles (else 403).

    Args:
        role: The role.
        others: Roles that will do as well.

    Example:
        >>> router = APIRouter(prefix="/projects", dependencies=[require("admin", "owner")])
    """
    roles = (role, *others)

    async def check(principal: CurrentPrincipal) -> Principal:
        if not principal.roles.intersection(roles):
            raise ForbiddenError(f"this needs the role {' or '.join(roles)}")
        return principal

    return Depends(check)
