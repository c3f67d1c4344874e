"""The platform is killed at the worst moments of a push: what git made of it is pending afterwards."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import git_push_server
from euryale.cloud.host.ports import free_port
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.remotes import RefChange
from eventually import eventually
from git_repository import add_commit, clone_with_commit, git, try_git

# runs at the same time on one machine should not look for ports in the same place
PORTS = range(23000 + os.getpid() % 800, 24000)


class KillableServer:
    """The platform's remote in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.remotes = GitRemotes(root / "remotes")
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> str:
        self.port = free_port(PORTS)
        words = (sys.executable, git_push_server.__file__, self.root, str(self.port))
        self._process = await asyncio.create_subprocess_exec(*words)
        await eventually(self._listens, within=30)
        return f"http://ada:token@127.0.0.1:{self.port}/shop.git"

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[KillableServer]:
    there = KillableServer(tmp_path)
    yield there
    await there.kill()


@contextlib.asynccontextmanager
async def stalling_proxy(port: int, after: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A connection to ``port`` that lets ``after`` bytes through to it and then nothing more."""
    stalled = asyncio.Event()
    copies: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        try:
            while most > 0 and (chunk := await reader.read(min(most, 65536))):
                writer.write(chunk)
                await writer.drain()
                most -= len(chunk)
            if most <= 0:
                stalled.set()
                await asyncio.Event().wait()
        finally:
            writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        copies.add(asyncio.create_task(copy(reader, there_writer, after)))
        copies.add(asyncio.create_task(copy(there_reader, writer, sys.maxsize)))

    proxy = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield proxy.sockets[0].getsockname()[1], stalled
    finally:
        proxy.close()
        for task in copies:
            task.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


def processes_of(root: Path) -> list[int]:
    """Return the git processes that work below ``root``."""
    mark = f"GIT_PROJECT_ROOT={root}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


async def test_killed_before_on_push_has_returned(server, tmp_path):
    commit = clone_with_commit(tmp_path / "work", {"a": b"1"})
    url = await server.start()
    assert (await try_git("push", url, "main", cwd=tmp_path / "work"))[0] == 0
    await eventually((tmp_path / "on_push_called").exists)
    await server.kill()
    (push,) = await server.remotes.pending()
    assert (push.name, push.changes) == ("shop", (RefChange("refs/heads/main", None, commit),))
    assert push.id == (tmp_path / "on_push_called").read_text()
    await server.remotes.done(push.id)
    assert await server.remotes.pending() == ()


async def test_killed_while_the_pack_arrives(server, tmp_path):
    work = tmp_path / "work"
    commit = clone_with_commit(work, {"big": os.urandom(20 * 1024 * 1024)})
    await server.start()
    async with stalling_proxy(server.port, 5 * 1024 * 1024) as (port, stalled):
        url = f"http://ada:token@127.0.0.1:{port}/shop.git"
        push = asyncio.create_task(try_git("push", url, "main", cwd=work))
        await stalled.wait()
        await eventually(lambda: list(server.remotes.path("shop").glob("objects/tmp_objdir-incoming-*")))
        await server.kill()
        await eventually(lambda: not processes_of(server.remotes.root))
        assert (await push)[0] != 0
    assert await server.remotes.refs("shop") == {}
    assert await server.remotes.pending() == ()
    url = await server.start()
    assert (await try_git("push", url, "main", cwd=work))[0] == 0
    await server.kill()
    assert [push.changes[0].after for push in await server.remotes.pending()] == [commit]


async def test_everything_killed_between_gits_commit_of_the_refs_and_the_hook(server, tmp_path):
    """A hook of the test's holds git exactly there."""
    work = tmp_path / "work"
    first = clone_with_commit(work, {"a": b"1"})
    url = await server.start()
    await try_git("push", url, "main", "main:gone", cwd=work)
    for push in await eventually(server.remotes.pending):
        await server.remotes.done(push.id)
    second = add_commit(work, {"a": b"2"})
    reached = tmp_path / "reached"
    hook = server.remotes.root / ".euryale" / "hooks" / "reference-transaction"
    hook.write_text(
        f'#!/bin/sh\n[ "$1" = committed ] || exit 0\necho $PPID >"{reached}.part"\n'
        f'mv "{reached}.part" "{reached}"\nexec sleep 600\n'
    )
    hook.chmod(0o755)
    pushing = asyncio.create_task(try_git("push", url, "main", cwd=work))
    await eventually(reached.exists)
    assert await server.remotes.pending() == ()
    await server.kill()
    os.killpg(os.getpgid(int(reached.read_text())), signal.SIGKILL)
    assert (await pushing)[0] != 0
    hook.unlink()
    (push,) = await eventually(server.remotes.pending)
    assert push.changes == (RefChange("refs/heads/main", first, second),)
    assert git("rev-parse", "main", cwd=server.remotes.path("shop")) == second
    await server.remotes.done(push.id)
    assert await server.remotes.pending() == ()
