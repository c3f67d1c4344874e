"""When to try again, and how long to wait: for any policy."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.workflows import DefinitionError, PermanentFailure, Retry

seconds = st.floats(0, 1e6)
retries = st.builds(
    Retry,
    max_attempts=st.integers(1, 10_000),
    initial=seconds,
    factor=st.floats(1, 1e3),
    max_interval=seconds,
    jitter=st.booleans(),
)
attempts = st.integers(1, 10_000)
draws = st.floats(0, 1, exclude_max=True)


@given(retries, attempts, draws)
def test_a_wait_is_never_negative_and_never_longer_than_allowed(retry, attempt, draw):
    wait = retry.delay(attempt, random=draw)
    assert math.isfinite(wait)
    assert 0 <= wait <= retry.max_interval


@given(retries, attempts)
def test_waits_never_shrink(retry, attempt):
    assert retry.delay(attempt, random=0.5) <= retry.delay(attempt + 1, random=0.5)


@given(retries, attempts, draws)
def test_jitter_takes_away_at_most_half(retry, attempt, draw):
    whole = Retry(retry.max_attempts, retry.initial, retry.factor, retry.max_interval, jitter=False).delay(
        attempt, random=draw
    )
    assert whole / 2 <= retry.delay(attempt, random=draw) <= whole


@given(retries, attempts)
def test_the_last_attempt_is_followed_by_none(retry, attempt):
    assert retry.allows(RuntimeError(), attempt) == (attempt < retry.max_attempts)
    assert not retry.allows(PermanentFailure("no"), attempt)


def test_waits_grow_by_the_factor():
    retry = Retry(max_attempts=9, initial=0.5, factor=3, max_interval=10, jitter=False)
    assert [retry.delay(attempt, random=0) for attempt in (1, 2, 3, 4)] == [0.5, 1.5, 4.5, 10]


def test_errors_are_chosen_by_their_class():
    retry = Retry(max_attempts=5, retry_on=(OSError,), give_up_on=(FileNotFoundError,))
    assert retry.allows(ConnectionError(), 1)
    assert not retry.allows(FileNotFoundError(), 1)
    assert not retry.allows(ValueError(), 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_attempts": 0}, "max_attempts=0 is not a whole number of at least 1"),
        ({"max_attempts": "3"}, "max_attempts='3' is not a whole number"),
        ({"max_attempts": 2.5}, "max_attempts=2.5 is not a whole number"),
        ({"initial": -1}, "initial=-1 is not a number of seconds from 0 up"),
        ({"initial": math.nan}, "initial=nan is not"),
        ({"initial": timedelta(seconds=1)}, "is not a number of seconds"),
        ({"max_interval": -1}, "max_interval=-1 is not"),
        ({"factor": 0.5}, "factor=0.5 is not a number of at least 1"),
        ({"factor": math.nan}, "factor=nan is not"),
        ({"factor": "2"}, "factor='2' is not"),
        ({"retry_on": OSError}, r"is not a tuple of exception classes. Write retry_on=(TimeoutError, "),
        ({"retry_on": [OSError]}, "is not a tuple of exception classes"),
        ({"give_up_on": ValueError}, "Write give_up_on=("),
        ({"give_up_on": ("ValueError",)}, "is not a tuple of exception classes"),
        ({"give_up_on": (ValueError(),)}, "is not a tuple of exception classes"),
    ],
)
def test_what_could_only_fail_at_the_next_attempt_is_refused(wrong, said):
    with pytest.raises(DefinitionError) as refused:
        Retry(**wrong)
    assert "Retry: " in str(refused.value)
    assert said in str(refused.value)
