"""An error as a journal keeps it."""

from dataclasses import dataclass
from typing import Final

from euryale.kit.errors import EuryaleError
from euryale.workflows.ports import Codec
from euryale.workflows.runtime.frames import places, user_place

INTERRUPTED: Final = "workflows.interrupted"
"""The code of what may have run, and was ended before it could say."""

_KEPT_FRAMES = 8
_KEPT_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, without the secrets that may have been in its text.

    Attributes:
        error: The stable code of one of our errors, else the class's name.
        message: What it said.
        hint: What can be done about it.
        trace: The innermost frames, one a line.
        step: The node that failed, or an empty string.
        where: ``file:line in function``: the last place in the user's own code, or an empty string. Not told of our own
            errors, such as a ``PermanentFailure``: their message says it all.
    """

    error: str
    message: str
    hint: str = ""
    trace: str = ""
    step: str = ""
    where: str = ""

    @property
    def text(self) -> str:
        """What it said, and where."""
        return f"{self.message} ({self.where})" if self.where else self.message


def describe_failure(error: BaseException, codec: Codec, step: str = "") -> Failure:
    """Return what is kept of an error; whatever the error is like, this does not fail."""
    if isinstance(error, EuryaleError):
        return Failure(error.code, _text(error.message, codec), hint=_text(error.hint, codec), step=step)
    kept = places(error)[-_KEPT_FRAMES:]
    return Failure(
        error=type(error).__qualname__,
        message=_text(_telling(error), codec) or type(error).__qualname__,
        trace=_text("\n".join(f"{each.filename}:{each.line} {each.function}" for each in kept), codec),
        step=step,
        where=_text(user_place(error), codec),
    )


def _telling(error: BaseException) -> object:
    """Return what says enough: the text of a ``KeyError`` is but the key."""
    return f"KeyError: {error}" if type(error) is KeyError else error


def _text(value: object, codec: Codec) -> str:
    """Return the value's text without secrets, in characters that can be written, and not too much of it."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 -- an exception of the user's may fail to print itself
        text = f"{type(value).__qualname__} (its text cannot be had)"
    text = codec.scrub(text).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _KEPT_CHARACTERS else f"{text[:_KEPT_CHARACTERS]}… ({len(text)} characters)"
