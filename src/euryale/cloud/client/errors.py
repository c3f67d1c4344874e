"""What a client can meet.

EuryaleError
└── PlatformError            the platform refused, or could not do what was asked
    ├── NotAuthorizedError   it does not know the token, or the token may not do this
    └── UnreachableError     it did not answer
"""

from typing import ClassVar

from euryale.kit.errors import EuryaleError


class PlatformError(EuryaleError):
    """The platform refused what was asked, or could not do it. The message is the platform's own.

    Attributes:
        reported: The platform's own code of the error, such as ``cloud.projects.exists``.
        status: The HTTP status; 0 if there was no answer.
        details: What is wrong with which field, one line each.
    """

    code: ClassVar[str] = "cloud.client.refused"

    def __init__(
        self, message: str = "", *, hint: str = "", reported: str = "", status: int = 0, details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.reported = reported or self.code
        self.status = status
        self.details = details


class NotAuthorizedError(PlatformError):
    """The platform does not know this token, or the token may not do this. Use another one: euryale login."""

    code = "cloud.client.not_authorized"


class UnreachableError(PlatformError):
    """The platform did not answer. See that it runs and that the address is right."""

    code = "cloud.client.unreachable"
