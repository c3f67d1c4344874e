"""Caddy serves through restarts of the platform, comes back when killed, and loses no request on a switch."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest

from caddy_root import caddies_of, caddy_root, free_tcp_port, router_in
from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.cloud.providers.router.caddy.book import RouteBook
from euryale.cloud.providers.router.caddy.config import Acme, Settings, document, route_entry
from euryale.cloud.providers.router.caddy.process import find_program
from euryale.cloud.providers.router.caddy.router import CaddyRouter
from euryale.cloud.providers.router.contract import Route
from euryale.cloud.testing.router import ask, upstream
from eventually import eventually

HOST = "production.shop.localhost"


@pytest.fixture
def root() -> Iterator[Path]:
    with caddy_root() as root:
        yield root


@pytest.fixture
def port() -> int:
    return free_tcp_port()


@pytest.fixture
async def router(root: Path, port: int) -> AsyncIterator[CaddyRouter]:
    router = router_in(root, port)
    await router.start()
    yield router
    await router.shutdown()
    assert caddies_of(root) == []


@dataclass
class Gate:
    """A server whose answers wait until it is opened, or that streams, or echoes after an upgrade."""

    address: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.arrived.set()
            if b"upgrade: echo" in head.lower():
                await self._echo(reader, writer)
            elif head.startswith(b"GET /events"):
                await self._stream(writer)
            else:
                await self.opened.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ndone")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await self.opened.wait()
        writer.write(b"data: 2\n\n")
        await writer.drain()


@asynccontextmanager
async def gate() -> AsyncIterator[Gate]:
    held = Gate()
    server = await asyncio.start_server(held.serve, "127.0.0.1", 0)
    held.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield held
    finally:
        held.opened.set()
        server.close()


class Load:
    """Clients that keep their connections and never send a request again: what fails, fails."""

    def __init__(self, port: int, clients: int) -> None:
        self.answers: list[bytes] = []
        self.failures: list[str] = []
        self._port = port
        self._clients = clients
        self._ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self._clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        await asyncio.gather(*self._tasks)

    async def has_grown(self, by: int) -> None:
        wanted = len(self.answers) + len(self.failures) + by
        await eventually(lambda: len(self.answers) + len(self.failures) >= wanted, within=30)

    async def _client(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self._ended.is_set():
            try:
                self.answers.append(await self._request(reader, writer, "POST" if number % 2 else "GET"))
            except (OSError, asyncio.IncompleteReadError, AssertionError) as error:
                self.failures.append(repr(error))
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str) -> bytes:
        body = "hello" if method == "POST" else ""
        writer.write(f"{method} / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        answer = await reader.readexactly(int(fields[b"content-length"]))
        assert head.split()[1] == b"200", head + answer
        assert fields.get(b"connection") != b"close", head
        return answer


class Version:
    """A server of one deployment; when stopped, it takes the connections with it as a killed process does."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(5 if head.startswith(b"POST") else 0)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self._name), self._name))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def test_switching_under_load_loses_no_request(router: CaddyRouter, port: int) -> None:
    version = Version("v0")
    address = await version.start()
    await router.put(Route("shop", (HOST,), (address,)))
    async with Load(port, clients=16) as load:
        for number in range(1, 11):
            await load.has_grown(by=200)
            following = Version(f"v{number}")
            following_address = await following.start()
            await router.put(Route("shop", (HOST,), (following_address,)))
            await router.drain(address, timeout=10)
            version.stop()
            version, address = following, following_address
        await load.has_grown(by=200)
    version.stop()
    assert load.failures == []
    assert set(load.answers) == {f"v{number}".encode() for number in range(11)}
    assert len(load.answers) > 2000


async def test_requests_in_flight_survive_a_change_of_hosts(router: CaddyRouter) -> None:
    async with gate() as held:
        await router.put(Route("shop", (HOST,), (held.address,)))
        request = asyncio.create_task(ask(router, HOST))
        await held.arrived.wait()
        await router.put(Route("blog", ("blog.localhost",)))
        await router.put(Route("shop", (HOST, "www.example.com"), (held.address,)))
        held.opened.set()
        assert (await request).text == "done"


async def test_drain_waits_for_requests_in_flight(router: CaddyRouter) -> None:
    async with gate() as held, upstream("new") as new:
        await router.put(Route("shop", (HOST,), (held.address,)))
        request = asyncio.create_task(ask(router, HOST))
        await held.arrived.wait()
        await router.put(Route("shop", (HOST,), (new,)))
        await router.drain(held.address, timeout=0.3)  # returns although the request is held
        assert not request.done()
        draining = asyncio.create_task(router.drain(held.address, timeout=30))
        await eventually(lambda: ask(router, HOST))
        assert not draining.done()
        held.opened.set()
        await draining
        assert (await request).text == "done"


async def test_upgraded_connection_outlives_changes_of_routes(router: CaddyRouter, port: int) -> None:
    async with gate() as held, upstream("new") as new:
        await router.put(Route("shop", (HOST,), (held.address,)))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n".encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        blog = Route("blog", ("blog.localhost",), (new,))
        for change in (blog, Route("shop", (HOST,), (new,)), Route("shop", (HOST,))):
            await router.put(change)
            writer.write(f"after {change}\n".encode())
            async with asyncio.timeout(5):
                assert await reader.readline() == f"after {change}\n".encode()
        writer.close()


async def test_events_are_passed_on_at_once(router: CaddyRouter, port: int) -> None:
    async with gate() as held:
        await router.put(Route("shop", (HOST,), (held.address,)))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /events HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(5):
            await reader.readuntil(b"data: 1\n\n")
        held.opened.set()
        assert b"data: 2" in await reader.read()
        writer.close()


async def test_request_waits_for_an_upstream_that_starts(router: CaddyRouter) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
        await router.put(Route("shop", (HOST,), (address,)))
        request = asyncio.create_task(ask(router, HOST))
        async with upstream("late") as late:
            await router.put(Route("shop", (HOST,), (late,)))
            assert (await request).text == "late"


async def test_caddy_outlives_the_platform(router: CaddyRouter, root: Path, port: int) -> None:
    async with upstream("shop") as shop:
        await router.put(Route("shop", (HOST,), (shop,)))
        before = caddies_of(root)
        await router.stop()
        assert (await ask(router, HOST)).text == "shop"
        again = router_in(root, port)
        await again.start()
        assert caddies_of(root) == before
        assert len(before) == 1
        assert await again.inventory() == frozenset({"shop"})
        assert (await ask(again, HOST)).text == "shop"
        await again.stop()


async def test_killed_caddy_comes_back_with_its_routes(router: CaddyRouter, root: Path) -> None:
    async with upstream("shop") as shop:
        await router.put(Route("shop", (HOST,), (shop,)))
        await router.put(Route("blog", ("blog.localhost",)))
        (pid,) = caddies_of(root)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: caddies_of(root) not in ([], [pid]))
        assert (await eventually(lambda: _text_or_none(router))) == "shop"
        assert await router.inventory() == frozenset({"shop", "blog"})


async def test_caddy_killed_while_the_platform_is_down_is_started_again(
    router: CaddyRouter, root: Path, port: int
) -> None:
    async with upstream("shop") as shop:
        await router.put(Route("shop", (HOST,), (shop,)))
        await router.stop()
        (pid,) = caddies_of(root)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: caddies_of(root) == [])
        with pytest.raises(ProviderUnavailableError, match="does not answer"):
            await router.put(Route("blog", ("blog.localhost",)))
        again = router_in(root, port)
        await again.start()
        assert (await ask(again, HOST)).text == "shop"
        await again.stop()


async def test_start_makes_caddy_equal_to_the_record(router: CaddyRouter, root: Path, port: int) -> None:
    await router.put(Route("gone", ("gone.localhost",)))
    await router.stop()
    book = RouteBook(root / "router")
    book.write(Route("shop", (HOST,)))  # as if the platform had been killed before it told Caddy
    book.strike_out("gone")
    again = router_in(root, port)
    await again.start()
    assert await again.inventory() == frozenset({"shop"})
    assert not (root / "router/upstreams/gone").exists()
    await again.stop()


async def test_route_that_caddy_refuses_leaves_the_record_as_it_was(
    router: CaddyRouter, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = RouteBook(root / "router")
    kept = Route("shop", (HOST,), ("127.0.0.1:1",))
    await router.put(kept)
    monkeypatch.setattr(
        RouteBook, "entry", lambda _, route: {"@id": f"route-{route.name}", "handle": [{"handler": "x"}]}
    )
    for refused in (Route("shop", (HOST,), ()), Route("blog", ("blog.localhost",))):
        with pytest.raises(PermanentError, match="refuses"):
            await router.put(refused)
    assert book.routes() == [kept]
    assert await router.inventory() == frozenset({"shop"})


async def test_shutdown_ends_caddy_and_keeps_the_record(root: Path, port: int) -> None:
    router = router_in(root, port)
    await router.start()
    await router.put(Route("shop", (HOST,)))
    await router.shutdown()
    await router.stop()
    assert caddies_of(root) == []
    again = router_in(root, port)
    await again.start()
    assert await again.inventory() == frozenset({"shop"})
    await again.shutdown()


async def test_port_of_another_program_is_a_clear_error(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        router = router_in(root, other.getsockname()[1])
        with pytest.raises(ProviderUnavailableError, match="taken by another program"):
            await router.start()
        await router.shutdown()
    assert caddies_of(root) == []


def test_directory_too_long_for_a_socket_is_refused(root: Path) -> None:
    with pytest.raises(PermanentError, match="shorter"):
        router_in(root / ("x" * 100), 80)


def test_caddy_accepts_the_configuration_for_https(root: Path) -> None:
    settings = Settings(
        bind="",
        port=443,
        admin=root / "admin.sock",
        log=root / "log",
        acme=Acme("ops@example.com", "https://ca.example"),
    )
    route = Route("shop", ("shop.example.com",), ("127.0.0.1:1",))
    file = root / "caddy.json"
    file.write_text(json.dumps(document(settings, [route_entry(route, [root / "0"])])), encoding="utf-8")
    command = [find_program(), "validate", "--config", file]
    environment = {"HOME": str(root), "XDG_DATA_HOME": str(root), "XDG_CONFIG_HOME": str(root)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


async def _text_or_none(router: CaddyRouter) -> str | None:
    try:
        return (await ask(router, HOST)).text
    except httpx.ConnectError:
        return None
