"""Exit codes, and errors as one readable block."""

import pytest

from euryale.cli.errors import (
    NoPlatformError,
    NoTokenError,
    OperationFailedError,
    SourceError,
    UsageError,
    error_block,
    error_document,
    exit_code,
)
from euryale.cloud.client import NotAuthorizedError, PlatformError, UnreachableError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationFailedError("x"), 1),
        (SourceError("x"), 1),
        (PlatformError("x", reported="cloud.projects.exists"), 1),
        (ValueError("x"), 1),
        (UsageError("x"), 2),
        (PlatformError("x", reported="http.invalid_request"), 2),
        (UnreachableError("x"), 3),
        (NoPlatformError("x"), 3),
        (NotAuthorizedError("x"), 4),
        (NoTokenError("x"), 4),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int):
    assert exit_code(error) == code


def test_a_block_says_what_happened_what_to_do_and_the_code():
    error = PlatformError("No.", hint="Do this.\nOr that.", reported="a.b")
    assert error_block(error) == "Error: No.\n  Do this.\n  Or that.\n  (a.b)\n"


def test_details_take_the_place_of_the_hint_that_points_at_them():
    error = PlatformError("No.", hint="See details.", reported="a.b", details=("name: use letters",))
    assert error_block(error) == "Error: No.\n  - name: use letters\n  (a.b)\n"


def test_an_unknown_error_points_at_the_traceback():
    assert "ValueError: boom" in error_block(ValueError("boom"))
    assert "--debug" in error_block(ValueError("boom"))


def test_an_error_is_a_document_too():
    error = PlatformError("No.", hint="Do this.", reported="a.b")
    assert error_document(error) == {"error": {"code": "a.b", "message": "No.", "hint": "Do this."}}
