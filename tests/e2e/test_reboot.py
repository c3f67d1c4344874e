"""The machine goes down with everything on it, and comes up again: what was live is live, without a new deployment."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from euryale.cloud.host.procfs import Row, boot_id, directory, processes, words
from eventually import eventually
from node_app import NodeApp
from platform_process import PlatformProcess, commit, git, repository_of

HELLO = Path(__file__).parents[2] / "examples" / "hello"

pytestmark = pytest.mark.slow


def hosted(data: Path) -> list[Row]:
    """Return every process that has to do with the platform's directory: by its words, its environment, its place."""
    return [row for row in processes() if row.pid != os.getpid() and any(str(data) in each for each in about(row.pid))]


def about(pid: int) -> Iterator[str]:
    yield from words(pid)
    yield str(directory(pid) or "")
    with suppress(OSError):
        yield Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")


def cut_the_power(platform: PlatformProcess) -> set[str]:
    """Kill the platform first, then all that it started, in no order, until nothing is left; return what ran."""
    platform.kill()
    found = set()
    while left := hosted(platform.data):
        for row in left:
            found.add(row.name)
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
    return found


def boot_again(data: Path) -> None:
    """Let every process that is written down be of another boot, with an id that somebody else has by now."""
    records = [*data.glob("apps/*/instances/*/state.json"), data / "router" / "caddy.pid.json"]
    records += data.glob("builds/pipelines/*/builds/*/runner.json")
    assert len(records) > 1
    for record in records:
        text = record.read_text()
        assert boot_id() in text
        record.write_text(text.replace(boot_id(), "00000000-0000-0000-0000-000000000000"))
    for pid_file in data.glob("databases/*/*/data/postmaster.pid"):
        pid_file.write_text(f"{os.getpid()}\n")


async def answers(platform: PlatformProcess, environment: str) -> list[Any] | None:
    """Return the greetings of an environment, None while it does not answer."""
    try:
        answer = await platform.get(environment, "hello", "/greetings?limit=200")
    except httpx.TransportError:
        return None
    return list(answer.json()["items"]) if answer.status_code == 200 else None


async def greet(platform: PlatformProcess, environment: str, name: str) -> None:
    headers = {"Host": f"{environment}.hello.localhost"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{platform.http_port}", headers=headers) as client:
        assert (await client.post("/greetings", json={"name": name})).is_success


async def test_production_and_previews_are_back_after_the_machine_was_down(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    repository = repository_of(HELLO, tmp_path / "hello")
    git(repository, "branch", "preview")
    await platform.start()
    created = await platform.ended(await platform.create("hello", str(repository), key="create"))
    assert created["status"] == "succeeded", (created, platform.tail())

    async def both_live() -> bool:
        environments = (await platform.ask("GET", "/projects/hello/environments"))["environments"]
        return len(environments) == 2 and all(each["state"] == "live" for each in environments)

    await eventually(both_live, within=180, every=0.2)
    await greet(platform, "production", "Ada")
    await greet(platform, "preview", "Grace")
    before = {name: await answers(platform, name) for name in ("production", "preview")}
    deployments = (await platform.ask("GET", "/projects/hello/deployments"))["items"]

    assert cut_the_power(platform) >= {"caddy", "postgres"}
    boot_again(platform.data)
    await platform.start()

    for name, greetings in before.items():
        assert await eventually(lambda name=name: answers(platform, name), within=30) == greetings
    assert before["production"] != before["preview"]
    assert (await platform.ask("GET", "/projects/hello/deployments"))["items"] == deployments
    assert await platform.audit() == []
    commit(repository, "after the reboot")
    deployed = await platform.ask("POST", "/projects/hello/deployments", json={})
    assert (await platform.ended(deployed["execution"]))["status"] == "succeeded", platform.tail()
    assert await answers(platform, "production") == before["production"]


async def test_production_is_back_at_once_although_a_deployment_was_under_way(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    app, go = NodeApp(tmp_path / "app"), platform.data.parent / "go"
    app.commit()
    await platform.start()
    created = await platform.ended(await platform.create("tiny", str(app.path), key="create"))
    assert created["status"] == "succeeded", (created, platform.tail())
    build = f"until test -e {go}; do sleep 0.1; done"
    app.package(scripts={"start": "node server.js", "build": build})
    app.commit()
    execution = (await platform.ask("POST", "/projects/tiny/deployments", json={}))["execution"]

    async def state() -> str:
        newest = (await platform.ask("GET", "/projects/tiny/deployments"))["items"][0]
        return str(newest["state"])

    async def serves() -> bool:
        return (await platform.get("production", "tiny")).text == "hello"

    async def builds() -> bool:
        return await state() == "building" and any(build in words(row.pid) for row in processes())

    await eventually(builds, within=60, every=0.1)
    cut_the_power(platform)
    boot_again(platform.data)
    await platform.start()
    await eventually(serves, within=10)
    assert await state() == "building"
    assert len([row for row in hosted(platform.data) if row.name == "postgres"]) > 1
    go.touch()
    assert (await platform.ended(execution))["status"] == "succeeded", platform.tail()
    assert await serves()

    async def nothing_is_left() -> bool:
        return await platform.audit() == []

    await eventually(nothing_is_left, within=20)  # the former instance is stopped after the deployment is live
