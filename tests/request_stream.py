"""A steady stream of HTTP requests over a few kept-alive connections, as browsers behind a proxy make them."""

import asyncio
import time


class RequestStream:
    """Sends ``rate`` requests a second until it is stopped; every answer other than 200 is a failure.

    A connection that the server closes between two requests is opened again; a request that got no whole answer is a
    failure, never repeated.
    """

    def __init__(self, host: str, port: int, name: str, path: str, *, rate: int, connections: int = 30) -> None:
        self._place = (host, port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        self._interval = connections / rate
        self._connections = connections
        self._stopping = asyncio.Event()
        self.answered = 0
        self.failed: list[str] = []

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        await asyncio.gather(*(self._send_on_one(index) for index in range(self._connections)))

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
            try:
                status = await asyncio.wait_for(self._exchange(reader, writer), 30)
            except (OSError, EOFError, TimeoutError) as error:
                self.failed.append(repr(error))
                writer.close()
                reader, writer = await asyncio.open_connection(*self._place)
                continue
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
