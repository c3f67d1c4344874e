"""How a provider says no. Workflows decide by the class whether to try again.

ProviderError
├── LockedError               another operation holds it: try again soon
├── AlreadyExistsError        made before: look it up and adopt it
├── RateLimitedError          too many calls: try again after ``retry_after`` seconds
├── ProviderUnavailableError  no answer, or an answer of overload: outcome unknown, look it up, try again
├── AccessDeniedError         the credentials do not do
├── GoneError                 it is not there; for a deletion that means done
└── PermanentError            it will never work like this; do not try again
    └── BuildFailedError, ...  in the family that raises them
"""

from typing import ClassVar

from euryale.kit.errors import EuryaleError


class ProviderError(EuryaleError):
    """A provider failed. The message says which, and why."""

    code: ClassVar[str] = "cloud.provider"


class LockedError(ProviderError):
    """Another operation holds the resource. It is tried again by itself."""

    code = "cloud.provider.locked"


class AlreadyExistsError(ProviderError):
    """A resource of that name exists. It is looked up and adopted."""

    code = "cloud.provider.already_exists"


class RateLimitedError(ProviderError):
    """The provider asks for fewer calls. It is tried again after the given time.

    Attributes:
        retry_after: Seconds to wait.
    """

    code = "cloud.provider.rate_limited"

    def __init__(self, message: str = "", *, retry_after: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class ProviderUnavailableError(ProviderError):
    """The provider did not answer, or answered that it cannot now. It is tried again by itself."""

    code = "cloud.provider.unavailable"


class AccessDeniedError(ProviderError):
    """The provider refuses the credentials. Give the platform access, then try again."""

    code = "cloud.provider.access_denied"


class GoneError(ProviderError):
    """There is no such resource at the provider. When deleting, that means done."""

    code = "cloud.provider.gone"


class PermanentError(ProviderError):
    """It cannot work as asked, however often it is tried. The message says what to change."""

    code = "cloud.provider.permanent"
