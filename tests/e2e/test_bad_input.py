"""What bad input gets: a message that says what to do, the right final state, and nothing left behind."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from node_app import NodeApp
from platform_process import PlatformProcess, git

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def _refused(platform: PlatformProcess, name: str, repository: str, **more: Any) -> str:
    """Ask for a project that cannot be made; return the reason that a person reads."""
    execution = await platform.create(name, repository, key=name, **more)
    found = await platform.ended(execution)
    assert found["status"] == "reverted", found
    assert await platform.audit() == []
    error = found["error"]
    return f"{error['message']} {error['hint']}"


def _no_lockfile(app: NodeApp) -> None:
    (app.path / "package-lock.json").unlink()


def _other_lockfile(app: NodeApp) -> None:
    app.package(packageManager="pnpm@10.11.1")


def _drifted_lockfile(app: NodeApp) -> None:
    app.package(dependencies={"is-number": "7.0.0"})


def _unknown_manager(app: NodeApp) -> None:
    app.package(packageManager="cargo@1.0.0")


def _failing_build(app: NodeApp) -> None:
    app.package(
        scripts={"start": "node server.js", "build": "echo compiling; echo 'no such module: carts' >&2; exit 3"}
    )


def _hanging_build(app: NodeApp) -> None:
    app.package(scripts={"start": "node server.js", "build": "node -e 'setInterval(() => {}, 1000)'"})


def _never_healthy(app: NodeApp) -> None:
    app.write("server.js", "console.log('waiting for godot'); setInterval(() => {}, 1000)")


def _dying(app: NodeApp) -> None:
    app.write("server.js", "console.error('cannot find the cart table'); process.exit(1)")


def _failing_migration(app: NodeApp) -> None:
    app.write("Procfile", "web: node server.js\nrelease: echo 'relation carts exists' && exit 4\n")


def _nothing_to_build(app: NodeApp) -> None:
    for name in ("package.json", "package-lock.json"):
        (app.path / name).unlink()


BENT = {
    "no-lockfile": (_no_lockfile, ["package-lock.json", "npm install"]),
    "other-lockfile": (_other_lockfile, ["pnpm-lock.yaml"]),
    "drifted-lockfile": (_drifted_lockfile, ["package-lock.json"]),
    "unknown-manager": (_unknown_manager, ["cargo", "packageManager"]),
    "nothing-to-build": (_nothing_to_build, ["package.json"]),
    "failing-build": (_failing_build, ["exit", "3", "no such module: carts"]),
    "hanging-build": (_hanging_build, ["6 s"]),
    "never-healthy": (_never_healthy, ["healthy", "waiting for godot"]),
    "dying": (_dying, ["cannot find the cart table"]),
    "failing-migration": (_failing_migration, ["relation carts exists"]),
}


@pytest.mark.parametrize("case", BENT)
async def test_a_repository_that_cannot_be_hosted_says_why(
    shared_platform: PlatformProcess, tmp_path: Path, case: str
) -> None:
    bend, words = BENT[case]
    app = NodeApp(tmp_path / "app")
    bend(app)
    app.commit()
    reason = await _refused(shared_platform, case, str(app.path))
    for word in words:
        assert word in reason, reason


@pytest.mark.parametrize("case", BENT)
async def test_production_keeps_serving_while_a_newer_commit_cannot_be_hosted(
    shared_platform: PlatformProcess, tmp_path: Path, case: str
) -> None:
    name = f"live-{case}"
    app = NodeApp(tmp_path / "app")
    app.commit()
    created = await shared_platform.ended(await shared_platform.create(name, str(app.path), key=name))
    assert created["status"] == "succeeded", created
    git(app.path, "switch", "--quiet", "--create", "aside")
    BENT[case][0](app)
    sha = app.commit()
    git(app.path, "switch", "--quiet", "main")
    answer = await shared_platform.ask("POST", f"/projects/{name}/deployments", json={"ref": sha})
    found = await shared_platform.ended(answer["execution"])
    assert found["status"] == "reverted", found
    assert (await shared_platform.get("production", name)).text == "hello"
    deleted = await shared_platform.ask("DELETE", f"/projects/{name}")
    assert (await shared_platform.ended(deleted["execution"]))["status"] == "succeeded"
    assert await shared_platform.audit() == []


async def test_an_unknown_repository(shared_platform: PlatformProcess, tmp_path: Path) -> None:
    reason = await _refused(shared_platform, "unknown", str(tmp_path / "nowhere"))
    assert "There is no directory" in reason, reason


async def test_an_unreachable_repository(shared_platform: PlatformProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reason = await _refused(shared_platform, "unreachable", f"http://127.0.0.1:{taken.getsockname()[1]}/shop.git")
    assert "127.0.0.1" in reason, reason


async def test_no_access(shared_platform: PlatformProcess) -> None:
    server = await asyncio.start_server(_refuse_everybody, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reason = await _refused(shared_platform, "private", f"http://127.0.0.1:{port}/private.git")
    assert "access" in reason.lower(), reason


async def _refuse_everybody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_an_empty_repository(shared_platform: PlatformProcess, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    reason = await _refused(shared_platform, "empty", str(empty))
    assert "no commit" in reason
    assert "Push" in reason


async def test_an_unknown_branch(shared_platform: PlatformProcess, tmp_path: Path) -> None:
    app = NodeApp(tmp_path / "app")
    app.commit()
    reason = await _refused(shared_platform, "branchless", str(app.path), branch="stable")
    assert "stable" in reason
    assert "main" in reason


async def test_a_second_project_of_the_same_name(shared_platform: PlatformProcess, tmp_path: Path) -> None:
    app = NodeApp(tmp_path / "app")
    app.commit()
    first = await shared_platform.ended(await shared_platform.create("twice", str(app.path), key="first"))
    assert first["status"] == "succeeded", first
    response = await _post(shared_platform, {"name": "twice", "repository": str(app.path)})
    assert response.status_code == 409
    assert "twice" in response.json()["error"]["message"]


BAD_BODIES: dict[str, dict[str, Any]] = {
    "capital letters": {"name": "Shop"},
    "a path": {"name": "../shop"},
    "an option": {"name": "--help"},
    "an endless name": {"name": "a" * 400},
    "an option as a branch": {"name": "fine", "branch": "--upload-pack=touch /tmp/x"},
    "a traversal as a branch": {"name": "fine", "branch": "../../etc"},
    "a root outside": {"name": "fine", "root": "../.."},
    "a remote helper": {"name": "fine", "repository": "ext::sh -c id"},
    "an option as a repository": {"name": "fine", "repository": "--upload-pack=id"},
    "a reserved variable": {"name": "fine", "variables": [{"name": "DATABASE_URL", "value": "x"}]},
    "a variable that is no name": {"name": "fine", "variables": [{"name": "A B", "value": "x"}]},
}


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_invalid_names_and_refs(shared_platform: PlatformProcess, tmp_path: Path, case: str) -> None:
    body = {"repository": str(tmp_path), **BAD_BODIES[case]}
    response = await _post(shared_platform, body)
    if response.status_code == 202:
        found = await shared_platform.ended(response.json()["execution"])
        assert found["status"] == "reverted", found
        assert found["error"]["message"]
    else:
        assert response.status_code == 422, response.text
        assert response.json()["error"]["message"]
    assert await shared_platform.audit() == []


async def test_a_wrong_token(shared_platform: PlatformProcess) -> None:
    response = await _post(shared_platform, {"name": "fine"}, token="eury_wrong")
    assert response.status_code == 401
    assert "token" in response.json()["error"]["message"].lower()


async def _post(platform: PlatformProcess, body: dict[str, Any], *, token: str = "") -> httpx.Response:
    token = token or (platform.data / "token").read_text().strip()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{platform.port}/api/v1") as client:
        return await client.post("/projects", json=body, headers={"Authorization": f"Bearer {token}"})
