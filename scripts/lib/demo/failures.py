"""How a demo fails."""

from pathlib import Path


class DemoError(Exception):
    """Something is not as it should be.

    Args:
        message: What happened, for a person.
        log: The log that tells more, if there is one.
    """

    def __init__(self, message: str, *, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class StoppedError(BaseException):
    """The demo was asked to stop; like ``KeyboardInterrupt``, nobody but the outermost caller handles it."""
