"""The base of the framework's errors; each room has its own tree over it."""

from euryale.kit.errors import EuryaleError


class FrameworkError(EuryaleError):
    """An application is put together or used in a way that cannot work. The message says what to change."""

    code = "framework.error"

    def __str__(self) -> str:
        return f"{self.message}\n\nhint: {self.hint}" if self.hint else self.message


class ApplicationError(FrameworkError):
    """An application is put together in a way that cannot work. The message says what to change."""

    code = "framework.application"
