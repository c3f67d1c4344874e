"""The API's version, and who may use it."""

from typing import Final

from euryale.cloud.modules.access import Role
from euryale.framework.auth import require

PREFIX: Final = "/api/v1"
ANYONE_KNOWN: Final = require(*Role)
"""The dependency that lets everybody in who holds a token of this platform."""
