"""A secret shows itself to nobody who does not ask for it."""

import pickle
import traceback
from dataclasses import dataclass

import pytest

from euryale.kit.secret import Secret


@dataclass
class Login:
    name: str
    password: Secret


def test_no_way_of_printing_shows_it():
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", "%s" % secret, "{}".format(secret)]  # noqa: UP031, UP032 -- every way of printing
    assert set(shown) == {"[redacted]"}
    assert "hunter2" not in repr(Login("ann", secret))
    assert secret.reveal() == "hunter2"


def test_a_traceback_with_its_locals_does_not_show_it():
    def fail(secret: Secret) -> None:
        raise LookupError(secret)

    with pytest.raises(LookupError) as caught:
        fail(Secret("hunter" + "2"))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "[redacted]" in "".join(shown.format())
    assert "hunter2" not in "".join(shown.format())


def test_secrets_are_compared_by_value_and_only_with_secrets():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("\N{SNOWMAN}") != "\N{SNOWMAN}"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a")
    assert not Secret("")


def test_it_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2"))
