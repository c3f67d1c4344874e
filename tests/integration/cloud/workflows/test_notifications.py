"""A real receiver hears of what has happened, also when it was down meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.providers.notifier.contract import Notifier
from euryale.cloud.providers.notifier.signature import SIGNATURE_HEADER
from euryale.cloud.providers.notifier.webhook import WebhookNotifier
from euryale.cloud.testing.platform import MemoryPlatform
from euryale.framework.container import value
from euryale.kit.secret import Secret
from euryale.workflows import ExecutionQuery, Status
from eventually import eventually
from webhook_receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


def webhook(receiver: Receiver, folder: Path) -> Notifier:
    return WebhookNotifier(receiver.url, secret=Secret("whsec_test"), root=folder)


async def test_a_project_that_was_created_and_one_that_was_not(tmp_path: Path, receiver: Receiver) -> None:
    platform = MemoryPlatform(tmp_path)
    async with platform.running(value(webhook(receiver, tmp_path), as_=Notifier)) as running:
        await running.create("shop")
        platform.faults.fail("builder.create_pipeline")
        await running.ended(await running.operations.create_project(platform.project("other")))
    told = [each.json() for each in receiver.deliveries]
    assert [each["event"] for each in told] == ["deployment.live", "project.created", "project.creation_failed"]
    assert told[-1]["title"] == "Project other could not be created"
    assert "builder.create_pipeline is down" in str(told[-1]["text"])
    assert all(SIGNATURE_HEADER.lower() in each.headers for each in receiver.deliveries)


async def test_a_receiver_that_is_down_hears_later(tmp_path: Path, receiver: Receiver) -> None:
    platform = MemoryPlatform(tmp_path, pace=0.1)
    await receiver.close()
    async with platform.running(value(webhook(receiver, tmp_path), as_=Notifier)) as running:
        execution = await running.operations.create_project(platform.project("shop"))
        assert await running.engine.wait(execution) is Status.SUCCEEDED

        async def retrying() -> bool:
            query = ExecutionQuery(workflow="subscriber:notify")
            views = [await running.engine.get(each.id) for each in await running.engine.list(query)]
            return len(views) == 2 and all(step.attempts > 1 for each in views for step in each.steps)

        await eventually(retrying, within=20)
        await receiver.open()
        await eventually(lambda: len(receiver.deliveries) == 2, within=20)
        await running.settled()
    assert {each.json()["event"] for each in receiver.deliveries} == {"deployment.live", "project.created"}


async def test_a_notification_outlives_the_platform(tmp_path: Path, receiver: Receiver) -> None:
    platform = MemoryPlatform(tmp_path, pace=0.1)
    await receiver.close()
    async with platform.running(value(webhook(receiver, tmp_path), as_=Notifier)) as running:
        await running.engine.wait(await running.operations.create_project(platform.project("shop")))
    await receiver.open()
    async with platform.running(value(webhook(receiver, tmp_path), as_=Notifier)) as running:
        await running.settled()
    assert {each.json()["event"] for each in receiver.deliveries} == {"deployment.live", "project.created"}


async def test_who_refuses_for_good_is_not_asked_again(tmp_path: Path, receiver: Receiver) -> None:
    platform = MemoryPlatform(tmp_path)
    receiver.status = 404
    async with platform.running(value(webhook(receiver, tmp_path), as_=Notifier)) as running:
        await running.create("shop")
    assert len(receiver.deliveries) == 2
