"""The webhook notifier against a real HTTP server."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError, RateLimitedError
from euryale.cloud.providers.notifier.signature import verify
from euryale.cloud.providers.notifier.webhook import WebhookNotifier
from euryale.cloud.testing.notifier import notification
from euryale.kit.clock import ManualClock
from euryale.kit.secret import Secret
from webhook_receiver import Receiver

SECRET = Secret("whsec_s3cr3t")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    there = Receiver()
    await there.open()
    yield there
    await there.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def notifier(receiver: Receiver, clock: ManualClock, tmp_path: Path) -> WebhookNotifier:
    return WebhookNotifier(Secret(f"{receiver.url}/hooks/t0ken"), secret=SECRET, root=tmp_path, clock=clock)


async def test_the_receiver_can_verify_a_delivery(receiver, notifier, clock):
    await notifier.notify(notification())
    (delivery,) = receiver.deliveries
    assert (delivery.method, delivery.path) == ("POST", "/hooks/t0ken")
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.headers["euryale-delivery"] == "ntf_1"
    assert delivery.json()["event"] == "project.created"
    assert verify(delivery.body, delivery.headers["euryale-signature"], SECRET, clock=clock)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_fine(receiver, notifier, status):
    receiver.status = status
    await notifier.notify(notification())


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_a_passing_failure_is_worth_another_try(receiver, notifier, status):
    receiver.status = status
    with pytest.raises(ProviderUnavailableError, match=str(status)):
        await notifier.notify(notification())
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 405, 410, 413, 422])
async def test_a_refusal_is_final(receiver, notifier, status):
    receiver.status = status
    with pytest.raises(PermanentError, match=str(status)):
        await notifier.notify(notification())


async def test_redirects_are_not_followed(receiver, notifier):
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    with pytest.raises(PermanentError, match="307"):
        await notifier.notify(notification())
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "17", 17),
        (503, "5", 5),
        (429, "", 30),
        (429, "soon", 30),
        (429, f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}", 30),
        (429, "9999999", 3600),
    ],
)
async def test_the_time_to_wait_is_honoured(receiver, notifier, status, header, wait):
    receiver.status, receiver.headers = status, {"Retry-After": header}
    with pytest.raises(RateLimitedError) as raised:
        await notifier.notify(notification())
    assert raised.value.retry_after == wait


async def test_the_time_to_wait_may_be_a_date(receiver, notifier, clock):
    for ahead, wait in ((90, 90), (-90, 0)):
        date = format_datetime(clock.now() + timedelta(seconds=ahead), usegmt=True)
        receiver.status, receiver.headers = 503, {"Retry-After": date}
        with pytest.raises(RateLimitedError) as raised:
            await notifier.notify(notification())
        assert raised.value.retry_after == wait


async def test_a_receiver_that_does_not_answer_is_given_up(receiver, tmp_path):
    receiver.hangs = True
    notifier = WebhookNotifier(receiver.url, secret=SECRET, root=tmp_path, limit=0.3)
    with pytest.raises(ProviderUnavailableError, match="no answer within"):
        await notifier.notify(notification())


async def test_every_attempt_is_logged_without_secrets(receiver, notifier, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, logger="euryale")
    await notifier.notify(notification(1))
    receiver.status = 500
    with pytest.raises(ProviderUnavailableError):
        await notifier.notify(notification(2))
    await receiver.close()
    with pytest.raises(ProviderUnavailableError) as refused:
        await notifier.notify(notification(3))
    records = await notifier.deliveries()
    assert [(record["delivery"], record["status"], record["error"]) for record in records] == [
        ("ntf_1", 204, None),
        ("ntf_2", 500, "cloud.provider.unavailable"),
        ("ntf_3", None, "cloud.provider.unavailable"),
    ]
    for text in ((tmp_path / "deliveries.jsonl").read_text(), caplog.text, str(refused.value), repr(notifier)):
        assert "t0ken" not in text
        assert "s3cr3t" not in text


async def test_data_that_is_no_json_is_refused(receiver, notifier):
    with pytest.raises(PermanentError, match="no JSON"):
        await notifier.notify(notification(data=object()))
    assert receiver.deliveries == []


@pytest.mark.parametrize(
    "url", ["", "example.com/a", "ftp://example.com/a", "http://", "http://host:port/a", "file:///etc/passwd"]
)
def test_urls_that_cannot_be_posted_to_are_refused(url, tmp_path):
    with pytest.raises(PermanentError):
        WebhookNotifier(url, secret=SECRET, root=tmp_path)
