"""A real platform in a process of its own: started, killed, asked, and ended with all that outlives it."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx

from caddy_root import free_tcp_port
from euryale.cloud.app import shut_down
from euryale.cloud.settings import PlatformSettings
from eventually import eventually

MAIN = Path(__file__).parent / "e2e" / "platform_main.py"
ENDED = {"succeeded", "reverted", "failed"}


async def until_ended(ask: Callable[..., Awaitable[Any]], execution: str, *, within: float) -> dict[str, Any]:
    """Ask a platform's API until an execution has ended, and return it."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await ask("GET", f"/executions/{execution}")
        return found if found["status"] in ENDED else None

    found = await eventually(look, within=within, every=0.1)
    assert found is not None
    return found


class PlatformProcess:
    """One platform over one directory."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.port, self.http_port = free_tcp_port(), free_tcp_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.output = root / "platform.log"
        self.boundaries = root / "boundaries"

    async def start(self, *, kill_at: int | str = "", **settings: object) -> None:
        """Start it and wait until it answers."""
        self._spawn(kill_at, settings)
        await eventually(self._answers_or_died, within=60, every=0.05)

    def _spawn(self, kill_at: int | str, settings: dict[str, object]) -> None:
        chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        ports = ["--port", str(self.port), "--http-port", str(self.http_port)]
        watched = ["--boundaries", self.boundaries, "--kill-at", str(kill_at)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, MAIN, "--data", self.data, *ports, *watched, *chosen],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def _answers_or_died(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            return True
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{self.port}/ready")).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def died(self, *, within: float = 120) -> None:
        """Wait until it has died by SIGKILL."""
        assert self.process is not None
        await asyncio.wait_for(asyncio.to_thread(self.process.wait), within)
        assert self.process.returncode == -signal.SIGKILL, self.tail()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        """Stop it as an operator would; what it hosts goes on."""
        if self.running:
            assert self.process is not None
            self.process.terminate()
            await asyncio.wait_for(asyncio.to_thread(self.process.wait), 60)

    async def down(self) -> None:
        """Stop it with all that outlives it."""
        if self.running:
            self.kill()
        await shut_down(PlatformSettings(data=self.data, port=self.port, http_port=self.http_port))

    def tail(self) -> str:
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-60:])

    async def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a request of the API and return its JSON; fail with the body if it is an error."""
        token = (self.data / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", **arguments.pop("headers", {})}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=60) as client:
            response = await client.request(method, path, headers=headers, **arguments)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    async def create(self, name: str, repository: str, *, key: str, **more: Any) -> str:
        """Ask for a project; return the execution."""
        body = {"name": name, "repository": repository, **more}
        answer = await self.ask("POST", "/projects", json=body, headers={"Idempotency-Key": key})
        return str(answer["execution"])

    async def ended(self, execution: str, *, within: float = 180) -> dict[str, Any]:
        """Wait until an execution has ended and return it."""
        return await until_ended(self.ask, execution, within=within)

    async def audit(self) -> list[Any]:
        answer = await self.ask("GET", "/doctor")
        return list(answer["differences"])

    async def get(self, environment: str, project: str, path: str = "/") -> httpx.Response:
        """Make a request of an application, through the router."""
        headers = {"Host": f"{environment}.{project}.localhost"}
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.get(f"http://127.0.0.1:{self.http_port}{path}", headers=headers)

    def journal(self) -> list[tuple[str, str, str]]:
        """Return execution, kind and step of every journal entry; the platform must not run."""
        with closing(sqlite3.connect(f"file:{self.data}/workflows.sqlite3?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT execution_id, kind, step FROM entries").fetchall()

    def notifications(self) -> list[dict[str, Any]]:
        path = self.data / "notifications.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def passable_root() -> Path:
    """Return a directory that the accounts of databases and applications can pass through, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="euryale-platform-")).resolve()
    root.chmod(0o711)
    return root


@asynccontextmanager
async def platform_process() -> AsyncIterator[PlatformProcess]:
    """Give a platform, not started; at the end nothing of it is left."""
    root = passable_root()
    platform = PlatformProcess(root)
    try:
        yield platform
    finally:
        await platform.down()
        shutil.rmtree(root, ignore_errors=True)


def repository_of(folder: Path, into: Path) -> Path:
    """Make a git repository of a folder's tracked and untracked, not ignored files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=folder, check=True, capture_output=True,
    ).stdout.split(b"\0")  # fmt: skip
    for name in filter(None, (os.fsdecode(each) for each in listed)):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / name, target)
    git(into, "init", "--quiet", "--initial-branch", "main")
    commit(into, "first")
    return into


def commit(repository: Path, message: str) -> str:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repository, "rev-parse", "HEAD")


def git(repository: Path, *words: str) -> str:
    identity = {"NAME": "Test", "EMAIL": "test@example.com"}
    names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in identity.items()}
    env = {**os.environ, **names, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=repository, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()
