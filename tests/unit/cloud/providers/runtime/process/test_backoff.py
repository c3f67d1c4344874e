import pytest

from euryale.cloud.providers.runtime.process.backoff import RestartPolicy


def test_delay_doubles_up_to_the_longest() -> None:
    policy = RestartPolicy()
    assert [policy.delay(deaths) for deaths in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert policy.delay(10**6) == 60


@pytest.mark.parametrize(("lived", "deaths"), [(0.1, 6), (59.9, 6), (60.0, 1), (1e6, 1)])
def test_a_long_life_begins_the_count_anew(lived: float, deaths: int) -> None:
    assert RestartPolicy().deaths(5, lived) == deaths
