"""Server-sent events, on the wire and over plain ASGI."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from euryale.framework.http import ErrorStatuses, EventStream, ServerEvent, StreamGate
from euryale.kit.errors import NotFoundError


def test_an_event_is_encoded_line_by_line():
    event = ServerEvent("a\nb\r\nc", name="log", id="7", retry=1.5)
    assert event.encode() == b"id: 7\nevent: log\nretry: 1500\ndata: a\ndata: b\ndata: c\n\n"
    assert ServerEvent({"a": [1]}).encode() == b'data: {"a":[1]}\n\n'


def test_names_and_ids_cannot_break_out_of_their_line():
    assert ServerEvent("x", name="a\ndata: b", id="1\r\n2\0").encode() == b"id: 1  2\nevent: a data: b\ndata: x\n\n"


class Wire:
    """The two ends of an ASGI connection."""

    def __init__(self) -> None:
        self.gate = StreamGate()
        self.sent: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.left = asyncio.Event()
        state = SimpleNamespace(stream_gate=self.gate, error_statuses=ErrorStatuses())
        self.scope: dict[str, Any] = {"type": "http", "app": SimpleNamespace(state=state)}

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.sent.put_nowait(message["body"] if message["more_body"] else None)

    async def next(self) -> bytes | None:
        async with asyncio.timeout(5):
            return await self.sent.get()


class Source:
    """Yields what it is fed, and notes that it was closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def events(self) -> AsyncGenerator[ServerEvent, None]:
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield ServerEvent(item)
        finally:
            self.closed.set()


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def started(wire: Wire, source: Source, heartbeat: float = 60) -> asyncio.Task[None]:
    stream = EventStream(source.events(), heartbeat=heartbeat)
    assert stream.headers["content-type"].startswith("text/event-stream")
    task = asyncio.ensure_future(stream(wire.scope, wire.receive, wire.send))
    assert await wire.next() == b": open\n\n"
    return task


async def test_a_stream_ends_with_its_source(wire: Wire):
    task = await started(wire, source := Source())
    source.queue.put_nowait("a")
    assert await wire.next() == b"data: a\n\n"
    source.queue.put_nowait(None)
    assert await wire.next() is None
    await task
    assert source.closed.is_set()


async def test_a_stream_ends_when_the_server_does(wire: Wire):
    task = await started(wire, source := Source())
    wire.gate.close()
    assert await wire.next() is None
    await task
    assert source.closed.is_set()
    again = await started(wire, Source())
    assert await wire.next() is None
    await again


async def test_a_stream_ends_when_its_client_leaves(wire: Wire):
    task = await started(wire, source := Source())
    wire.left.set()
    await task
    assert source.closed.is_set()
    assert wire.sent.empty()


async def test_silence_is_filled_with_heartbeats(wire: Wire):
    task = await started(wire, source := Source(), heartbeat=0.01)
    assert await wire.next() == b": alive\n\n"
    assert await wire.next() == b": alive\n\n"
    source.queue.put_nowait("late")
    while (chunk := await wire.next()) == b": alive\n\n":
        pass
    assert chunk == b"data: late\n\n"
    wire.gate.close()
    await task


@pytest.mark.parametrize(
    ("error", "expected", "hidden"),
    [(NotFoundError("no such log"), b"euryale.not_found", b"zzz"), (OSError("hunter2"), b"http.internal", b"hunter2")],
)
async def test_a_source_that_fails_ends_with_an_error_event(
    wire: Wire, error: Exception, expected: bytes, hidden: bytes
):
    task = await started(wire, source := Source())
    source.queue.put_nowait(error)
    chunk = await wire.next()
    assert chunk is not None
    assert chunk.startswith(b"event: error\n")
    assert expected in chunk
    assert hidden not in chunk
    assert await wire.next() is None
    await task
