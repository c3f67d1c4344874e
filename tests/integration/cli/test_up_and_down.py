"""``euryale up`` and ``down`` with the real providers: what is announced is true, and nothing else is changed."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from caddy_root import caddies_of, free_tcp_port
from eventually import eventually
from platform_process import passable_root

EURYALE = Path(sys.executable).with_name("euryale")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


class Operator:
    """Somebody who runs a platform over a directory, on ports of their own."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.port, self.http_port = free_tcp_port(), free_tcp_port()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(root)}

    def words(self, **changed: object) -> list[str]:
        options = {"data": self.data, "port": self.port, "http-port": self.http_port, **changed}
        return ["up", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(EURYALE, *words, env=self.env, stdout=pipe, stderr=pipe)

    async def run(self, *words: str) -> Ran:
        process = await self.start(*words)
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert b"Traceback" not in err
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def down(self) -> Ran:
        return await self.run("down", "--data", str(self.data))

    def files(self) -> dict[str, bytes]:
        """Return what nobody but a platform over this directory may touch."""
        names = ("url", "key", "token", "lock", "router/start.json", "router/caddy.pid.json")
        return {name: (self.data / name).read_bytes() for name in names}

    async def ready(self) -> bool:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{self.port}/ready")).status_code == 200


@pytest.fixture
def root() -> Iterator[Path]:
    directory = passable_root()
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture
async def operator(root: Path) -> AsyncIterator[Operator]:
    operator = Operator(root)
    yield operator
    if operator.data.is_dir() and (operator.data / "key").exists():
        assert (await operator.down()).code == 0
    assert caddies_of(root) == []


@asynccontextmanager
async def running(operator: Operator) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the platform; its first line has been read."""
    process = await operator.start(*operator.words())
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert (await process.stdout.readline()).decode() == f"Euryale is at http://127.0.0.1:{operator.port}\n"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


async def test_it_answers_as_soon_as_it_says_so(operator: Operator):
    async with running(operator) as process:
        assert await operator.ready()
        assert (operator.data / "url").read_text() == f"http://127.0.0.1:{operator.port}\n"
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.decode().endswith("The platform has stopped. What it hosts goes on; end that too: euryale down\n")


@pytest.mark.parametrize("same_ports", [True, False])
async def test_a_second_one_over_a_directory_changes_nothing(operator: Operator, *, same_ports: bool):
    async with running(operator) as first:
        before = operator.files()
        others = {} if same_ports else {"port": free_tcp_port(), "http-port": free_tcp_port()}
        second = await operator.run(*operator.words(**others))
        assert (second.code, second.out) == (1, "")
        assert f"Error: A platform runs over {operator.data} already (process {first.pid}, " in second.err
        assert f"euryale down --data {operator.data}" in second.err
        assert operator.files() == before
        assert await operator.ready()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{operator.http_port}/")).status_code == 404


async def test_a_taken_port_is_named_before_anything_is_started(operator: Operator, taken: int):
    done = await operator.run(*operator.words(port=taken))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: Port {taken} of 127.0.0.1 is taken.\n  Choose another one (euryale up --port)")
    assert not (operator.data / "url").exists()
    assert not (operator.data / "router").exists()


async def test_a_taken_port_of_the_applications_is_named(operator: Operator, taken: int):
    done = await operator.run(*operator.words(**{"http-port": taken}))
    assert (done.code, done.out) == (1, "")
    assert str(taken) in done.err
    assert "--http-port" in done.err
    assert not (operator.data / "url").exists()


@pytest.mark.parametrize("name", ["control.sqlite3", "workflows.sqlite3"])
async def test_a_damaged_file_is_named(operator: Operator, name: str):
    operator.data.mkdir()
    (operator.data / name).write_bytes(b"no database at all" * 100)
    done = await operator.run(*operator.words())
    assert (done.code, done.out) == (1, "")
    assert f"{operator.data / name}" in done.err
    assert "is not a database" in done.err
    assert not (operator.data / "url").exists()


async def test_a_directory_that_cannot_be_used_is_named(operator: Operator):
    operator.data.write_text("a file")
    done = await operator.run(*operator.words(), "--json")
    assert done.code == 1
    assert json.loads(done.out)["error"]["code"] == "cloud.host"
    assert operator.data.read_text() == "a file"


async def test_down_needs_the_directory_alone(operator: Operator):
    async with running(operator) as process:
        assert caddies_of(operator.data) != []
        done = await operator.down()
        assert (done.code, done.out) == (0, "Everything has stopped. Bring it back: euryale up\n")
        await process.wait()
    assert caddies_of(operator.data) == []
    again = await operator.down()
    assert again.code == 0, again.err


async def test_down_ends_what_a_killed_platform_left(operator: Operator):
    async with running(operator) as process:
        process.kill()
        await process.wait()
    await eventually(lambda: caddies_of(operator.data) != [])
    assert (await operator.down()).code == 0
    assert caddies_of(operator.data) == []


async def test_down_makes_no_directory(operator: Operator):
    done = await operator.down()
    assert done.code == 1
    assert f"No platform has its directory in {operator.data}." in done.err
    assert not operator.data.exists()
