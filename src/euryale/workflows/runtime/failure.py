"""An error as a journal keeps it."""

import traceback
from dataclasses import dataclass

from euryale.kit.errors import EuryaleError
from euryale.workflows.ports import Codec

_KEPT_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, without the secrets that may have been in its text.

    Attributes:
        error: The stable code of one of our errors, else the class's name.
        message: What it said.
        hint: What can be done about it.
        trace: The innermost frames, one a line.
        step: The node that failed, or an empty string.
    """

    error: str
    message: str
    hint: str = ""
    trace: str = ""
    step: str = ""


def describe_failure(error: BaseException, codec: Codec, step: str = "") -> Failure:
    """Return what is kept of an error."""
    ours = isinstance(error, EuryaleError)
    frames = traceback.extract_tb(error.__traceback__)[-_KEPT_FRAMES:]
    return Failure(
        error=error.code if isinstance(error, EuryaleError) else type(error).__qualname__,
        message=codec.scrub(
            (error.message if isinstance(error, EuryaleError) else str(error)) or type(error).__qualname__
        ),
        hint=codec.scrub(error.hint) if isinstance(error, EuryaleError) else "",
        trace="" if ours else "\n".join(f"{each.filename}:{each.lineno} {each.name}" for each in frames),
        step=step,
    )
