"""What an error says when it is told nothing, and what it says with a hint."""

from euryale.kit.errors import EuryaleError, NotFoundError


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
    assert (error.message, error.hint, str(error)) == ("no note n_1", "List them.", "no note n_1 List them.")
