"""Server-sent events: a stream that heartbeats, can be resumed, and ends when the server does."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Header
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from euryale.framework.http.bodies import body_of
from euryale.framework.http.observation import current_request_id
from euryale.framework.http.statuses import ErrorStatuses

HEARTBEAT: Final = 15.0
_log = logging.getLogger(__name__)

LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=256)]
"""The type of an endpoint's parameter that reads where a reconnecting client stopped."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream.

    Attributes:
        data: What is sent: text as it is, anything else as JSON.
        name: Its kind; empty means ``message``.
        id: What the client sends as ``Last-Event-ID`` to go on after this event.
        retry: Seconds the client waits before it reconnects, if it is to be changed.
    """

    data: Any
    name: str = ""
    id: str = ""
    retry: float | None = None

    def encode(self) -> bytes:
        """Return it as it goes over the wire."""
        text = self.data if isinstance(self.data, str) else json.dumps(self.data, separators=(",", ":"))
        lines = [f"id: {_one_line(self.id)}"] if self.id else []
        lines += [f"event: {_one_line(self.name)}"] if self.name else []
        lines += [f"retry: {int(self.retry * 1000)}"] if self.retry is not None else []
        # the format splits at CR, LF and CRLF only
        lines += [f"data: {line}" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


class StreamGate:
    """Ends all open streams of a server, so that it can stop."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the server is stopping."""
        return self._closing.is_set()

    def close(self) -> None:
        """End all streams; those that are opened from now on end at once. May be called twice."""
        self._closing.set()

    async def wait_closed(self) -> None:
        """Wait until :meth:`close` is called."""
        await self._closing.wait()


class EventStream(Response):
    """An answer that sends events until its source, its client or its server ends.

    A source that raises ends the stream with an event ``error`` in the one shape of errors.

    Args:
        source: The events. It is closed when the stream ends, whatever ended it.
        heartbeat: Seconds of silence after which a comment is sent, to keep the connection.

    Example:
        >>> @router.get("/notes/events")
        ... async def events(notes: Inject[Notes], last: LastEventId = None) -> EventStream:
        ...     return EventStream(notes.follow(after=last))
    """

    media_type: str | None = "text/event-stream"

    def __init__(self, source: AsyncGenerator[ServerEvent, None], *, heartbeat: float = HEARTBEAT) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._source = source
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        state = scope["app"].state
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send_all(send, state.stream_gate, state.error_statuses))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_all(self, send: Send, gate: StreamGate, statuses: ErrorStatuses) -> None:
        async with aclosing(self._source) as source:
            try:
                async for chunk in _with_heartbeat(source, gate, self._heartbeat):
                    await _send_chunk(send, chunk)
            except ClientDisconnect:
                return
            except Exception as error:  # noqa: BLE001 -- the answer has begun: an event is all that can still say so
                _log.exception("the stream of request %s failed", current_request_id())
                _, body = body_of(error, statuses, request_id=current_request_id())
                failure = ServerEvent(body.model_dump(), name="error").encode()
                await _send_chunk(send, failure)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_chunk(send: Send, chunk: bytes) -> None:
    try:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except OSError as error:
        raise ClientDisconnect from error


async def _with_heartbeat(source: AsyncIterator[ServerEvent], gate: StreamGate, seconds: float) -> AsyncIterator[bytes]:
    closing = asyncio.ensure_future(gate.wait_closed())
    coming: asyncio.Future[ServerEvent] | None = None
    try:
        yield b": open\n\n"
        while not gate.closed:
            coming = coming or asyncio.ensure_future(anext(source))
            awaited: set[asyncio.Future[Any]] = {coming, closing}
            await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                try:
                    yield coming.result().encode()
                except StopAsyncIteration:
                    return
                coming = None
            elif not gate.closed:
                yield b": alive\n\n"
    finally:
        pending = [each for each in (coming, closing) if each is not None]
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ").replace("\0", "")
