"""The base of every error that Euryale raises."""

from typing import ClassVar, Final

_ENDS: Final = (".", "!", "?", ":", "…")


class EuryaleError(Exception):
    """Something failed in Euryale; the subclass says what, and how to mend it.

    Each floor has one tree of errors over this base. The docstring of a subclass says what happened and how
    to mend it; it is the message when none is given. The status of an HTTP answer or the exit code of a
    command is decided where those are made, never here.

    Attributes:
        code: A stable, dotted name of the kind of error, for programs. Every subclass has its own.
        hint: What the reader can do about it; empty if the message says it all.
    """

    code: ClassVar[str] = "euryale.error"

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        self.message = message or self._summary()
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return with_hint(self.message, self.hint)

    @classmethod
    def _summary(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().split("\n\n", 1)[0].replace("\n    ", " ")


def with_hint(message: str, hint: str) -> str:
    """Return what happened and what to do about it, as sentences of their own.

    Example:
        >>> with_hint("got `str`", "Return an int.")
        'got `str`. Return an int.'
    """
    if not message or not hint:
        return message or hint
    return f"{message} {hint}" if message.endswith(_ENDS) else f"{message}. {hint}"


class NotFoundError(EuryaleError):
    """There is nothing of that name or id. Check its spelling, or list what there is."""

    code = "euryale.not_found"


class ConflictError(EuryaleError):
    """It exists already, or is in a state that does not allow this. Look at its state, then try again."""

    code = "euryale.conflict"


class InvalidInputError(EuryaleError):
    """The input is not acceptable as it is. The message names the field and what it may be."""

    code = "euryale.invalid_input"


class UnauthorizedError(EuryaleError):
    """The caller is not known. Send a valid bearer token."""

    code = "euryale.unauthorized"


class ForbiddenError(EuryaleError):
    """The caller is known but may not do this. Ask an owner for the role that may."""

    code = "euryale.forbidden"


class UnavailableError(EuryaleError):
    """Something outside did not answer or is overloaded. The same call may succeed later."""

    code = "euryale.unavailable"
