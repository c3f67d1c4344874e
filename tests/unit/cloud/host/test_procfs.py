import asyncio
import os
import subprocess
import sys
from pathlib import Path

from euryale.cloud.host import procfs
from eventually import eventually

CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()']).wait()"


def test_process_with_a_strange_name_is_read() -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b') S 1 (', 0, 0, 0); print('named', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (row,) = [row for row in procfs.processes() if row.pid == process.pid]
        assert (row.parent, row.session) == (os.getpid(), os.getsid(0))
        process.kill()


def test_identity_ends_with_its_process_even_before_that_is_collected() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = procfs.identify(process.pid)
        assert identity is not None
        assert identity.alive()
        assert not identity._replace(ticks=identity.ticks - 1).alive()
        assert not identity._replace(boot="another").alive()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not identity.alive()
    assert procfs.identify(process.pid) is None


async def test_descendants_are_found_by_their_parents() -> None:
    marked = {**os.environ, "MARK": "here"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, stdin=subprocess.PIPE, env=marked)
    try:
        (child,) = await eventually(lambda: procfs.descendants(process.pid))
        await eventually(lambda: procfs.carries(child.pid, b"MARK=here"))
        assert not procfs.carries(child.pid, b"MARK=her")
        assert {process.pid, child.pid} <= {row.pid for row in procfs.descendants(os.getpid())}
        assert procfs.owner(process.pid) == os.geteuid()
    finally:
        async with asyncio.timeout(10):
            await process.communicate(b"\n")  # both wait for a line
    assert procfs.descendants(process.pid) == []
    assert procfs.owner(process.pid) is None
    assert not procfs.carries(process.pid, b"MARK=here")


def remove(directory: Path) -> None:
    directory.rmdir()


async def test_a_process_says_where_it_works_and_what_it_was_called_with(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "input()", "a b", ""]
    process = await asyncio.create_subprocess_exec(*words, stdin=subprocess.PIPE, cwd=tmp_path)
    try:
        assert procfs.directory(process.pid) == tmp_path
        await eventually(lambda: procfs.words(process.pid) == words)
        remove(tmp_path)
        assert procfs.directory(process.pid) == tmp_path
    finally:
        async with asyncio.timeout(10):
            await process.communicate(b"\n")
    assert procfs.directory(process.pid) is None
    assert procfs.words(process.pid) == []
