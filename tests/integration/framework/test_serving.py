"""The application notebook under a real uvicorn: streams that resume, and a stop that waits for nobody's stream."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventually import eventually

UVICORN = ("-m", "uvicorn", "notebook.app:app", "--host", "127.0.0.1", "--port", "{port}")
SERVE = ("-c", "import asyncio; from notebook.app import app; asyncio.run(app.serve(port={port}))")


@asynccontextmanager
async def serving(
    command: tuple[str, ...], port: int, folder: Path, folder_of_package: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder_of_package),
        "NOTEBOOK_DATABASE__URL": f"sqlite:///{folder}/notebook.sqlite3",
        "NOTEBOOK_WORKFLOWS__PATH": str(folder / "workflows.sqlite3"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(part.format(port=port) for part in command),
        env=environ,
        cwd=folder,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            await eventually(lambda: answers(process, client), within=20)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def answers(process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> bool:
    if process.returncode is not None:
        assert process.stderr is not None
        pytest.fail(f"it ended with {process.returncode}: {(await process.stderr.read()).decode()}")
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def read_events(lines: AsyncIterator[str], count: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    event_id = ""
    while len(found) < count:
        line = await anext(lines)
        if line.startswith("id: "):
            event_id = line[4:]
        if line.startswith("data: "):
            found.append((event_id, line[6:]))
    return found


@pytest.mark.parametrize("command", [UVICORN, SERVE], ids=["uvicorn", "serve"])
async def test_a_stream_resumes_and_ends_when_the_server_is_asked_to_stop(
    command: tuple[str, ...], free_port: int, tmp_path: Path, notebook_folder: Path
):
    async with serving(command, free_port, tmp_path, notebook_folder) as (process, client):
        for title in "ab":
            assert (await client.post("/notes", json={"title": title, "text": "t"})).status_code == 201
        async with client.stream("GET", "/notes/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            (first, a), (_, b) = await read_events(stream.aiter_lines(), 2)
        assert (a, b) == ('{"title":"a"}', '{"title":"b"}')
        async with client.stream("GET", "/notes/events", headers={"Last-Event-ID": first}) as stream:
            lines = stream.aiter_lines()
            assert await read_events(lines, 1) == [(_, b)]
            await client.post("/notes", json={"title": "c", "text": "t"})
            assert (await read_events(lines, 1))[0][1] == '{"title":"c"}'
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert [line async for line in lines if line] == []
        async with asyncio.timeout(10):
            await process.wait()
    assert process.returncode in {0, -signal.SIGTERM}


async def test_settings_that_are_missing_stop_the_start_with_a_list(
    tmp_path: Path, notebook_folder: Path, free_port: int
):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(part.format(port=free_port) for part in UVICORN),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(notebook_folder), "NOTEBOOK_DATABSE__URL": "x"},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 3
    assert b"database.url: is missing: set it in the file, or as NOTEBOOK_DATABASE__URL" in errors
    assert b'misspelt as "NOTEBOOK_DATABSE__URL", which is set?' in errors


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def serve(port: int, folder: Path, package: Path, **environ: str) -> tuple[int | None, str]:
    """Serve until it has ended; return how, and what it printed."""
    program = (
        "import asyncio\nfrom notebook.app import app\n"
        f"asyncio.run(app.serve(port={port}, ready=lambda url: print('at', url)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package), **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(20):
        told, _ = await process.communicate()
    return process.returncode, told.decode()


async def test_what_is_wrong_at_the_start_is_raised_and_nothing_is_announced(tmp_path: Path, notebook_folder: Path):
    code, told = await serve(0, tmp_path, notebook_folder, NOTEBOOK_DATABSE__URL="x")
    assert code == 1
    assert told.count("Traceback") == 1
    assert "euryale.framework.config.errors.ConfigError: " in told
    assert "at http" not in told


async def test_a_taken_port_stops_the_start_before_anything_else(tmp_path: Path, notebook_folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, told = await serve(port, tmp_path, notebook_folder)
    assert code == 1
    assert f"AddressError: Port {port} of 127.0.0.1 is taken." in told
    assert entries(tmp_path) == []


async def test_readiness_is_told_with_the_address(tmp_path: Path, notebook_folder: Path):
    program = "import asyncio; from notebook.app import app; asyncio.run(app.serve(port=0, ready={ready}))"
    ready = "lambda url: print(url, flush=True)"
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(notebook_folder),
        "NOTEBOOK_DATABASE__URL": f"sqlite:///{tmp_path}/notebook.sqlite3",
        "NOTEBOOK_WORKFLOWS__PATH": str(tmp_path / "workflows.sqlite3"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program.format(ready=ready), env=environ, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20), httpx.AsyncClient() as client:
            url = (await process.stdout.readline()).decode().strip()
            assert (await client.get(f"{url}/ready")).status_code == 200
    finally:
        process.terminate()
        await process.communicate()


def test_importing_the_application_has_no_effect(tmp_path: Path, notebook_folder: Path):
    program = "import threading, notebook.app; assert threading.active_count() == 1; print(notebook.app.app.asgi.title)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(notebook_folder)}
    ended = subprocess.run([sys.executable, "-c", program], env=environ, cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"notebook\n")
    assert entries(tmp_path) == []
