"""What every notifier does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`NotifierContract` and give it a fixture ``bench``: the notifier, and what reached its receiver.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.notifier.contract import Notification, Notifier
from euryale.cloud.testing.expect import expect_equal, expect_error

_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def notification(number: int = 1, *, data: object = "ü") -> Notification:
    """Return a notification to send."""
    return Notification(
        id=f"ntf_{number}",
        event="project.created",
        title="Shop is live",
        text="It took 3 minutes.\nHave a look.",
        data={"project": "shop", "nested": {"list": [1, 2.5, None, True, data]}},
        at=_AT,
    )


class NotifierBench(Protocol):
    """A notifier under test, and its receiver.

    Attributes:
        notifier: The member.
    """

    notifier: Notifier

    async def received(self) -> Sequence[Notification]:
        """Return what reached the receiver, in order."""
        ...

    async def close(self) -> None:
        """Make the receiver unreachable for now."""
        ...

    async def open(self) -> None:
        """Make it reachable again."""
        ...


class RefusableNotifierBench(NotifierBench, Protocol):
    """One whose receiver can refuse for good."""

    async def refuse(self) -> None:
        """Make the receiver refuse for good."""
        ...


class NotifierContract:
    """True of every member."""

    async def test_delivers_everything(self, bench: NotifierBench) -> None:
        """What was said arrives, letter for letter."""
        await bench.notifier.notify(notification())
        expect_equal(list(await bench.received()), [notification()])

    async def test_delivers_once_for_each_call(self, bench: NotifierBench) -> None:
        """One call is one delivery; a repetition can be known by its id."""
        for number in (1, 2, 2):
            await bench.notifier.notify(notification(number))
        expect_equal([each.id for each in await bench.received()], ["ntf_1", "ntf_2", "ntf_2"])

    async def test_delivers_many_at_once(self, bench: NotifierBench) -> None:
        """Callers that come together lose nothing."""
        await asyncio.gather(*(bench.notifier.notify(notification(number)) for number in range(20)))
        expect_equal({each.id for each in await bench.received()}, {f"ntf_{number}" for number in range(20)})

    async def test_says_that_the_receiver_is_unreachable(self, bench: NotifierBench) -> None:
        """That is worth another try, which succeeds when the receiver is back."""
        await bench.close()
        await expect_error(ProviderUnavailableError, bench.notifier.notify(notification()))
        await bench.open()
        await bench.notifier.notify(notification())
        expect_equal([each.id for each in await bench.received()], ["ntf_1"])


class RefusableNotifierContract(NotifierContract):
    """True of members whose receiver can refuse."""

    async def test_says_that_it_is_refused(self, bench: RefusableNotifierBench) -> None:
        """That is not worth another try."""
        await bench.refuse()
        await expect_error(PermanentError, bench.notifier.notify(notification()))
        expect_equal(list(await bench.received()), [])
