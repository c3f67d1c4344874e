"""What an error says when it is told nothing, and what it says with a hint."""

import pytest

from euryale.kit.errors import EuryaleError, NotFoundError, with_hint


class QuotaError(EuryaleError):
    """The quota is used up, which is told
    over two lines.

    Wait a day.
    """

    code = "test.quota"


class SilentError(NotFoundError):
    code = "test.silent"


def test_the_docstring_is_the_message_when_none_is_given():
    assert str(QuotaError()) == "The quota is used up, which is told over two lines."
    assert str(SilentError()) == "SilentError"
    assert (str(NotFoundError("no note n_1")), NotFoundError("no note n_1").code) == (
        "no note n_1",
        "euryale.not_found",
    )


def test_a_hint_is_kept_apart_and_printed_with_the_message():
    error = NotFoundError("no note n_1", hint="List them.")
    assert (error.message, error.hint, str(error)) == ("no note n_1", "List them.", "no note n_1. List them.")


@pytest.mark.parametrize(
    ("message", "hint", "expected"),
    [
        ("got `str`", "Return an int.", "got `str`. Return an int."),
        ("It is full.", "Wait.", "It is full. Wait."),
        ("Is it there?", "Look.", "Is it there? Look."),
        ("no (shop.py:3 in send)", "Look.", "no (shop.py:3 in send). Look."),
        ("got `str`", "", "got `str`"),
        ("", "Look.", "Look."),
    ],
)
def test_a_message_and_a_hint_are_sentences_of_their_own(message, hint, expected):
    assert with_hint(message, hint) == expected
