import pytest

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError, RateLimitedError
from euryale.cloud.providers.notifier.broadcast import Broadcast
from euryale.cloud.providers.notifier.memory import MemoryNotifier
from euryale.cloud.testing.notifier import notification

DOWN = ProviderUnavailableError("down")
NO = PermanentError("no")


def failing(error: Exception) -> MemoryNotifier:
    notifier = MemoryNotifier()
    notifier._failure = error
    return notifier


async def test_nobody_is_fine():
    await Broadcast().notify(notification())


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([DOWN], ProviderUnavailableError),
        ([DOWN, NO], ProviderUnavailableError),
        ([NO, NO], PermanentError),
        ([RateLimitedError("slow", retry_after=3), NO], RateLimitedError),
        ([RateLimitedError("slow", retry_after=3), DOWN], ProviderUnavailableError),
    ],
)
async def test_all_are_told_before_failures_are_raised(errors, kind):
    first, last = MemoryNotifier(), MemoryNotifier()
    with pytest.raises(kind) as raised:
        await Broadcast(first, *map(failing, errors), last).notify(notification())
    assert first.told == last.told == [notification()]
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert list(raised.value.__cause__.exceptions) == errors
    assert f"{len(errors)} of {len(errors) + 2}" in str(raised.value)


async def test_the_longest_wait_is_kept():
    waits = [failing(RateLimitedError("slow", retry_after=wait)) for wait in (3, 9, 1)]
    with pytest.raises(RateLimitedError) as raised:
        await Broadcast(*waits).notify(notification())
    assert raised.value.retry_after == 9


async def test_a_fault_of_the_program_is_not_taken_for_a_refusal():
    with pytest.raises(ExceptionGroup) as raised:
        await Broadcast(failing(KeyError("bug")), MemoryNotifier()).notify(notification())
    assert raised.group_contains(KeyError)
