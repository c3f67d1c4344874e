"""``examples/hello``: its own tests, and the application as the platform runs it, over PostgreSQL."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cluster_root import cluster_root
from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.files import RepositoryFiles
from euryale.cloud.providers.database.postgres import PostgresClusters
from eventually import eventually

TOP = Path(__file__).parents[3]
HELLO = TOP / "examples" / "hello"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_its_own_tests_pass():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-o", "pythonpath=examples/hello", "examples/hello/tests"),
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def test_the_platform_knows_how_to_build_it():
    files = {path.relative_to(HELLO).as_posix(): path.read_bytes() for path in HELLO.rglob("*") if path.is_file()}
    made = plan(RepositoryFiles({name: len(content) for name, content in files.items()}, files))
    assert (made.preset, made.provides, made.health.path) == ("euryale", ("euryale",), "/health")
    assert "hello.app:app" in made.processes[0].command.line
    assert made.install_key_files == ("requirements.txt",)


@pytest.fixture
async def database_url() -> AsyncIterator[str]:
    with cluster_root(in_memory=True) as root:
        clusters = PostgresClusters(root)
        await clusters.create_project("hello")
        yield (await clusters.create_branch("hello", "production")).url.reveal()
        await clusters.destroy_project("hello")


@asynccontextmanager
async def instance(
    database_url: str, home: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """Run it as the platform does: told of its database and port by the variables that everybody knows."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "hello.app:app", "--host", "127.0.0.1", "--port", str(port)),
        cwd=HELLO,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DATABASE_URL": database_url, "PORT": str(port)},
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            await eventually(lambda: answers(process, client), within=30)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> bool:
    assert process.returncode is None, "it ended"
    try:
        return (await client.get("/health")).status_code == 200
    except httpx.TransportError:
        return False


async def test_two_instances_serve_side_by_side_while_one_takes_over(database_url: str, tmp_path: Path):
    async with instance(database_url, tmp_path) as (old, before):
        added = await before.post("/greetings", json={"name": "Ada"})
        assert added.status_code == 201
        async with instance(database_url, tmp_path) as (_, after):
            assert [item["name"] for item in (await after.get("/greetings")).json()["items"]] == ["Ada"]
            old.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(old.wait(), 20) == -signal.SIGTERM  # uvicorn: in order, then by the signal
            assert (await after.post("/greetings", json={"name": "Bob"})).status_code == 201
