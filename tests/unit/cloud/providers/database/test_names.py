import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.cloud.providers.database.names import checked_name
from euryale.cloud.providers.errors import PermanentError

ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789-"


@given(st.text(ALLOWED, min_size=1, max_size=63))
def test_accepts_lower_case_letters_digits_and_dashes(name: str) -> None:
    assert checked_name(name) == name


@given(st.text(min_size=1).filter(lambda text: set(text) - set(ALLOWED)) | st.text(ALLOWED, min_size=64) | st.just(""))
def test_refuses_everything_else(name: str) -> None:
    with pytest.raises(PermanentError):
        checked_name(name)
