"""Who calls: bearer tokens and roles; the application says how a token becomes a principal."""

from euryale.framework.auth.bearer import CurrentPrincipal, require
from euryale.framework.auth.principal import Authenticator, Principal

__all__ = ["Authenticator", "CurrentPrincipal", "Principal", "require"]
