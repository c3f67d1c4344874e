"""A real HTTP server that receives webhooks, and answers what a test wants."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from http_server import serving


@dataclass
class Delivery:
    """One request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass
class Receiver:
    """An ASGI application that remembers what came."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._released = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.deliveries.append(Delivery(scope["method"], scope["path"], headers, body))
        if self.hangs:
            await self._released.wait()
        answer = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": answer})
        await send({"type": "http.response.body", "body": b""})

    async def open(self) -> str:
        """Listen, at the same port as before if it was open before; return the URL."""
        port = urlsplit(self.url).port or 0
        self.url = await self._stack.enter_async_context(serving(self, port=port))
        return self.url

    async def close(self) -> None:
        self._released.set()
        await self._stack.aclose()
