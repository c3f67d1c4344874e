"""What can go wrong in the command itself, and with which exit code it ends.

EuryaleError
├── OperationFailedError   what was asked for was begun and did not succeed
├── UsageError             the command was called in a way that cannot work
├── NoPlatformError        nothing says where the platform is
├── NoTokenError           nothing says with which token
└── SourceError            the source directory cannot be pushed
"""

import sys
from typing import Final

from euryale.cloud.client import NotAuthorizedError, PlatformError, UnreachableError
from euryale.kit.errors import EuryaleError

FAILED: Final = 1
USAGE: Final = 2
NOT_REACHED: Final = 3
NOT_AUTHORIZED: Final = 4
DETACHED: Final = 130

_NOT_ACCEPTABLE: Final = frozenset({"http.invalid_request", "cloud.projects.invalid_handle"})


class OperationFailedError(EuryaleError):
    """The operation was begun and did not succeed. The message says why, and what was undone."""

    code = "cli.operation_failed"


class UsageError(EuryaleError):
    """The command was called in a way that cannot work. The message says what to change."""

    code = "cli.usage"


class NoPlatformError(EuryaleError):
    """Nothing says where the platform is. Start one with ``euryale up``, or say where it is with ``euryale login``."""

    code = "cli.no_platform"


class NoTokenError(EuryaleError):
    """Nothing says with which token to ask the platform. Use ``euryale login``, or set EURYALE_TOKEN."""

    code = "cli.no_token"


class SourceError(EuryaleError):
    """The source directory cannot be pushed to the platform. The message says why, and what to do."""

    code = "cli.source"


def exit_code(error: Exception) -> int:
    """Return the exit code for an error: 1 failed, 2 usage, 3 the platform cannot be reached, 4 not authorised."""
    match error:
        case UnreachableError() | NoPlatformError():
            return NOT_REACHED
        case NotAuthorizedError() | NoTokenError():
            return NOT_AUTHORIZED
        case UsageError():
            return USAGE
        case PlatformError(reported=reported) if reported in _NOT_ACCEPTABLE:
            return USAGE
        case _:
            return FAILED


def error_block(error: Exception) -> str:
    """Return an error as one readable block: what happened, what to do, and the code."""
    if not isinstance(error, EuryaleError):
        known = f"{type(error).__name__}: {error}".strip()
        return f"Error: the command failed in a way that it does not know: {known}\n  Run it again with --debug.\n"
    details = error.details if isinstance(error, PlatformError) else ()
    lines = ["Error: " + error.message.replace("\n", "\n  "), *(f"  - {each}" for each in details)]
    if error.hint and not details:
        lines += [f"  {line}" for line in error.hint.splitlines()]
    return "\n".join([*lines, f"  ({reported_code(error)})"]) + "\n"


def error_document(error: Exception) -> dict[str, object]:
    """Return an error as a JSON document."""
    if not isinstance(error, EuryaleError):
        told: dict[str, object] = {"code": "cli.unexpected", "message": str(error), "hint": ""}
    else:
        told = {"code": reported_code(error), "message": error.message, "hint": error.hint}
    if isinstance(error, PlatformError) and error.details:
        told["details"] = list(error.details)
    return {"error": told}


def reported_code(error: EuryaleError) -> str:
    """Return the platform's own code if the platform reported the error, else the error's."""
    return error.reported if isinstance(error, PlatformError) else error.code


def complain(text: str) -> None:
    """Write to standard error."""
    sys.stderr.write(text)
    sys.stderr.flush()
