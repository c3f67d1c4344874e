"""Every error has a code of its own, says how to mend it, and stands in the reference."""

import re
from collections import Counter
from pathlib import Path

import pytest

from error_reference import error_classes, render
from euryale.kit.errors import EuryaleError
from euryale.workflows import WorkflowError, errors

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
ERRORS = error_classes()
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def name(error: type[EuryaleError]) -> str:
    return f"{error.__module__}.{error.__qualname__}"


def test_the_errors_are_found():
    assert len(ERRORS) > 50


@pytest.mark.parametrize("error", ERRORS, ids=name)
def test_an_error_has_a_code_and_says_what_happened(error):
    assert "code" in vars(error), "give it a code of its own"
    assert CODE.fullmatch(error.code)
    assert (vars(error).get("__doc__") or "").split("\n\n")[0].strip().endswith(".")


def test_no_two_errors_share_a_code():
    counted = Counter(error.code for error in ERRORS)
    shared = {code for code, count in counted.items() if count > 1}
    assert [name(error) for error in ERRORS if error.code in shared] == []


def test_the_tree_of_workflow_errors_is_that_of_the_classes():
    parents, path = {}, []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"[│├└─ ]*(\w+)  ", f"{line}  "):
            depth = found.start(1) // 4
            path[depth:] = [found[1]]
            parents[found[1]] = path[depth - 1] if depth else "EuryaleError"
    classes = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, WorkflowError)}
    assert parents == {each.__name__: each.__base__.__name__ for each in classes}


def test_the_reference_is_what_the_classes_say():
    assert PAGE.read_text("utf-8") == render(), "run scripts/docs"
