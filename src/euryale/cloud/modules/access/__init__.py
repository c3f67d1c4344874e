"""Access: API tokens and the roles that they carry."""

from euryale.cloud.modules.access.models import Base
from euryale.cloud.modules.access.records import IssuedToken, Role, Token
from euryale.cloud.modules.access.service import Access
from euryale.framework.auth import Authenticator
from euryale.framework.container import provide
from euryale.framework.modules import Module


def _authenticator(access: Access) -> Authenticator:
    return access


ACCESS = Module("access", services=[Access], models=Base, providers=[provide(_authenticator)])

__all__ = ["ACCESS", "Access", "IssuedToken", "Role", "Token"]
