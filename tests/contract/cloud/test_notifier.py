"""The members of the notifier family keep their contract."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.notifier.broadcast import Broadcast
from euryale.cloud.providers.notifier.contract import Notification
from euryale.cloud.providers.notifier.log import LogNotifier
from euryale.cloud.providers.notifier.memory import MemoryNotifier
from euryale.cloud.providers.notifier.webhook import WebhookNotifier
from euryale.cloud.testing.notifier import (
    NotifierBench,
    NotifierContract,
    RefusableNotifierBench,
    RefusableNotifierContract,
)
from euryale.kit.secret import Secret
from webhook_receiver import Receiver


def read_back(record: Mapping[str, object]) -> Notification:
    fields = dict(record)
    fields["at"] = datetime.fromisoformat(str(fields["at"]))
    return Notification(**fields)


class MemoryBench:
    def __init__(self) -> None:
        self.memory = MemoryNotifier()
        self.notifier = self.memory

    async def received(self) -> Sequence[Notification]:
        return self.memory.told

    async def close(self) -> None:
        self.memory.fail_with(ProviderUnavailableError())

    async def open(self) -> None:
        self.memory.fail_with(None)

    async def refuse(self) -> None:
        self.memory.fail_with(PermanentError())


class BroadcastBench(MemoryBench):
    def __init__(self) -> None:
        super().__init__()
        self.notifier = Broadcast(self.memory)


class LogBench:
    def __init__(self, root: Path) -> None:
        self.path = root / "notifications.jsonl"
        self.notifier = LogNotifier(self.path)

    async def received(self) -> Sequence[Notification]:
        return [read_back(json.loads(line)) for line in self.path.read_text().splitlines()]

    async def close(self) -> None:
        self.path.mkdir(parents=True)

    async def open(self) -> None:
        self.path.rmdir()


class WebhookBench:
    def __init__(self, receiver: Receiver, root: Path) -> None:
        self.receiver = receiver
        self.notifier = WebhookNotifier(receiver.url, secret=Secret("whsec"), root=root)

    async def received(self) -> Sequence[Notification]:
        return [read_back(delivery.json()) for delivery in self.receiver.deliveries if self.receiver.status == 204]

    async def close(self) -> None:
        await self.receiver.close()

    async def open(self) -> None:
        await self.receiver.open()

    async def refuse(self) -> None:
        self.receiver.status = 410


class TestMemory(RefusableNotifierContract):
    @pytest.fixture
    def bench(self) -> RefusableNotifierBench:
        return MemoryBench()


class TestBroadcast(RefusableNotifierContract):
    @pytest.fixture
    def bench(self) -> RefusableNotifierBench:
        return BroadcastBench()


class TestLog(NotifierContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> NotifierBench:
        return LogBench(tmp_path / "log")


class TestWebhook(RefusableNotifierContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[RefusableNotifierBench]:
        receiver = Receiver()
        await receiver.open()
        yield WebhookBench(receiver, tmp_path)
        await receiver.close()
