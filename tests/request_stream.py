"""A steady stream of HTTP requests over a few kept-alive connections, as browsers behind a proxy make them."""

import asyncio
import math
import time
from collections.abc import Mapping

_NO_HEADERS: Mapping[str, str] = {}


class RequestStream:
    """Sends ``rate`` requests a second until it is stopped; every answer other than 200 is a failure.

    A connection that the server closes between two requests is opened again; a request that got no whole answer is a
    failure, never repeated. A request that is late, because its connection still waits for an answer, is sent at once.

    Attributes:
        answered: How many were answered, whatever with.
        failed: What was wrong with those that were not, or not with 200.
        latencies: Seconds from each request to its whole answer.
        seconds: How long it ran.
    """

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        path: str,
        *,
        rate: int,
        connections: int = 30,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self._place = (host, port)
        lines = [f"GET {path} HTTP/1.1", f"Host: {name}", *(f"{key}: {value}" for key, value in headers.items())]
        self._request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        self._path = path
        self._interval = connections / rate
        self._connections = connections
        self._stopping = asyncio.Event()
        self.answered = 0
        self.failed: list[str] = []
        self.latencies: list[float] = []
        self.seconds = 0.0

    def __str__(self) -> str:
        shown = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
        latencies = ", ".join(f"{name} {self.latency(share) * 1000:.1f} ms" for name, share in shown.items())
        return (
            f"{self._path}: {self.answered} answered in {self.seconds:.0f} s ({self.rate:.0f}/s), "
            f"{len(self.failed)} failed, {latencies}"
        )

    @property
    def rate(self) -> float:
        """How many were answered a second."""
        return self.answered / self.seconds

    def latency(self, share: float) -> float:
        """Return the seconds within which this share of all requests was answered."""
        return sorted(self.latencies)[max(math.ceil(share * len(self.latencies)) - 1, 0)]

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        started = time.monotonic()
        await asyncio.gather(*(self._send_on_one(index) for index in range(self._connections)))
        self.seconds = time.monotonic() - started

    async def _send_on_one(self, index: int) -> None:
        due = time.monotonic() + self._interval * index / self._connections
        reader, writer = await asyncio.open_connection(*self._place)
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), max(due - time.monotonic(), 0))
                break
            except TimeoutError:
                due += self._interval
            if reader.at_eof():
                writer.close()
                reader, writer = await asyncio.open_connection(*self._place)
            sent = time.monotonic()
            try:
                status = await asyncio.wait_for(self._exchange(reader, writer), 30)
            except (OSError, EOFError, TimeoutError) as error:
                self.failed.append(repr(error))
                writer.close()
                reader, writer = await asyncio.open_connection(*self._place)
                continue
            self.latencies.append(time.monotonic() - sent)
            self.answered += 1
            if status != 200:
                self.failed.append(f"status {status}")
        writer.close()
        await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(self._request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(None, 2)[1])
        if b"transfer-encoding: chunked" in head:
            while (size := int(await reader.readuntil(b"\r\n"), 16)) >= 0:
                await reader.readexactly(size + 2)
                if size == 0:
                    return status
        length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length or 0))
        return status
