"""The API over the whole platform: what it answers, what it refuses, what it streams."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from euryale.cloud.client.streams import Received, read_events
from euryale.cloud.providers.errors import ProviderUnavailableError
from eventually import eventually
from git_repository import Repository
from memory_platform import BUILT, FAILING, RUNNING, MemoryPlatform, memory_platform

ENDED = {"succeeded", "reverted", "failed"}


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[MemoryPlatform]:
    async with memory_platform(tmp_path) as running:
        yield running


@pytest.fixture
def repository(platform: MemoryPlatform) -> Repository:
    return platform.repository()


async def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def create(platform: MemoryPlatform, repository: Repository, name: str = "shop", **more: Any) -> str:
    body = {"name": name, "repository": str(repository.path), **more}
    return str((await ok(await platform.client.post("/projects", json=body), 202))["execution"])


async def ended(platform: MemoryPlatform, execution: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await ok(await platform.client.get(f"/executions/{execution}"))
        return found if found["status"] in ENDED else None

    found = await eventually(look, within=20)
    assert found is not None
    return found


async def created(platform: MemoryPlatform, repository: Repository, name: str = "shop", **more: Any) -> str:
    execution = await create(platform, repository, name, **more)
    assert (await ended(platform, execution))["status"] == "succeeded"
    return execution


async def newest(platform: MemoryPlatform, project: str = "shop") -> dict[str, Any]:
    page = await ok(await platform.client.get(f"/projects/{project}/deployments", params={"limit": 1}))
    found: dict[str, Any] = page["items"][0]
    return found


async def test_a_project_is_created_and_shown(platform: MemoryPlatform, repository: Repository):
    execution = await created(platform, repository)
    shown = await ok(await platform.client.get("/projects/shop"))
    assert (shown["state"], shown["branch"], shown["execution"]) == ("ready", "main", execution)
    (production,) = shown["environments"]
    assert production["url"] == shown["url"] == "http://production.shop.localhost/"
    assert (production["state"], production["live"]["number"]) == ("live", 1)
    listed = await ok(await platform.client.get("/projects"))
    assert [each["name"] for each in listed["items"]] == ["shop"]


async def test_an_execution_is_shown_with_its_steps_and_children(platform: MemoryPlatform, repository: Repository):
    execution = await created(platform, repository)
    shown = await ok(await platform.client.get(f"/executions/{execution}"))
    steps = {step["id"]: step for step in shown["steps"]}
    assert steps["create-database"]["state"] == "succeeded"
    assert (steps["create-database"]["attempts"], steps["create-database"]["max_attempts"]) == (1, 6)
    child = await ok(await platform.client.get(f"/executions/{steps['deploy']['child']}"))
    assert (child["parent"], child["workflow"]) == (execution, "deploy")
    assert child["deployment"] == (await newest(platform))["id"]


async def test_the_same_key_joins_the_same_creation(platform: MemoryPlatform, repository: Repository):
    platform.builder.outcome = RUNNING
    body = {"name": "shop", "repository": str(repository.path)}
    headers = {"Idempotency-Key": "k1"}
    first, second = [await platform.client.post("/projects", json=body, headers=headers) for _ in "ab"]
    assert await ok(first, 202) == await ok(second, 202)
    await eventually(lambda: platform.builder.started)
    assert await ok(await platform.client.post("/projects", json=body, headers=headers), 202) == first.json()


async def test_a_name_is_given_once(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    answer = await platform.client.post("/projects", json={"name": "shop", "repository": str(repository.path)})
    assert (await ok(answer, 409))["error"]["code"] == "cloud.projects.exists"


async def test_lists_come_in_pages(platform: MemoryPlatform, repository: Repository):
    for name in ("aa", "bb", "cc"):
        await created(platform, repository, name)
    for path, key in (("/projects", "name"), ("/executions", "id"), ("/projects/aa/deployments", "id")):
        found, cursor = [], None
        while True:
            query = {"limit": 1, **({"cursor": cursor} if cursor else {})}
            page = await ok(await platform.client.get(path, params=query))
            found += [each[key] for each in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        whole = await ok(await platform.client.get(path, params={"limit": 200}))
        assert found == [each[key] for each in whole["items"]]
        assert len(set(found)) == len(found) > 0


async def test_executions_are_filtered(platform: MemoryPlatform, repository: Repository):
    execution = await created(platform, repository)
    query = {"workflow": "create-project", "status": ["succeeded", "failed"]}
    found = await ok(await platform.client.get("/executions", params=query))
    assert [each["id"] for each in found["items"]] == [execution]
    none = await ok(await platform.client.get("/executions", params={"workflow": "create-project", "status": "failed"}))
    assert none["items"] == []
    children = await ok(await platform.client.get("/executions", params={"parent": execution}))
    assert [each["workflow"] for each in children["items"]] == ["deploy"]


async def test_a_branch_becomes_a_preview_and_goes_again(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    repository.commit("new", {**NODE}, "Second")
    accepted = await ok(await platform.client.post("/projects/shop/deployments", json={"branch": "new"}), 202)
    assert (await ended(platform, accepted["execution"]))["status"] == "succeeded"
    listed = await ok(await platform.client.get("/projects/shop/environments"))
    assert [each["name"] for each in listed["environments"]] == ["production", "new"]
    only = await ok(await platform.client.get("/projects/shop/deployments", params={"environment": "new"}))
    assert [each["message"] for each in only["items"]] == ["Second"]
    refused = await platform.client.delete("/projects/shop/environments/production")
    assert (await ok(refused, 409))["error"]["code"] == "cloud.projects.state"
    removing = await ok(await platform.client.delete("/projects/shop/environments/new"), 202)
    assert (await ended(platform, removing["execution"]))["status"] == "succeeded"
    assert len((await ok(await platform.client.get("/projects/shop/environments")))["environments"]) == 1


async def test_a_deployment_is_shown_with_its_history(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    deployment = await ok(await platform.client.get(f"/deployments/{(await newest(platform))['id']}"))
    assert (deployment["project"], deployment["environment"]) == ("shop", "production")
    states = [each["state"] for each in deployment["transitions"]]
    assert states == ["created", "building", "built", "deploying", "live"]


async def test_a_project_is_deleted_without_a_rest(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    accepted = await ok(await platform.client.delete("/projects/shop"), 202)
    assert (await ended(platform, accepted["execution"]))["status"] == "succeeded"
    assert (await platform.client.get("/projects/shop")).status_code == 404
    assert await ok(await platform.client.get("/doctor")) == {"healthy": True, "differences": []}


async def test_the_doctor_names_what_nobody_wrote_down(platform: MemoryPlatform):
    await platform.databases.create_project("ghost")
    found = await ok(await platform.client.get("/doctor"))
    assert found["healthy"] is False
    assert {"family": "database", "name": "ghost", "problem": "orphan"} in found["differences"]


async def test_variables_are_set_and_never_told(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository, variables=[{"name": "A", "value": "first-secret"}])
    body = {"variables": [{"name": "B", "value": "second-secret", "scope": "build"}]}
    answer = await platform.client.put("/projects/shop/variables", json=body)
    expected = {"variables": [{"name": "A", "scope": "both"}, {"name": "B", "scope": "build"}]}
    assert await ok(answer) == await ok(await platform.client.get("/projects/shop/variables")) == expected
    execution = (await ok(await platform.client.get("/projects/shop")))["execution"]
    for path in ("/projects/shop", f"/executions/{execution}", "/executions"):
        assert "secret" not in (await platform.client.get(path)).text
    left = await ok(await platform.client.delete("/projects/shop/variables?name=A"))
    assert left == {"variables": [{"name": "B", "scope": "build"}]}
    gone = await ok(await platform.client.delete("/projects/shop/variables?name=A&name=B"), 404)
    assert gone["error"]["code"] == "cloud.projects.unknown_variable"
    assert await ok(await platform.client.get("/projects/shop/variables")) == left


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/projects"), ("POST", "/projects"), ("GET", "/projects/shop"), ("DELETE", "/projects/shop"),
        ("GET", "/executions"), ("GET", "/executions/x/events"), ("POST", "/executions/x/cancel"), ("GET", "/doctor"),
        ("GET", "/whoami"), ("GET", "/deployments/depl_0000000000000000000000/log"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}])
async def test_nobody_gets_in_without_a_token(platform: MemoryPlatform, method: str, path: str, header: dict[str, str]):
    answer = await platform.client.request(method, path, headers=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]


async def test_the_caller_is_told_who_it_is(platform: MemoryPlatform):
    caller = await ok(await platform.client.get("/whoami"))
    assert (caller["name"], caller["roles"]) == ("owner", ["owner"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/projects", {"name": "No"}),
        ("POST", "/projects", {"name": "shop", "root": "../x"}),
        ("POST", "/projects", {"name": "shop", "branch": "--upload-pack=x"}),
        ("POST", "/projects", {"name": "shop", "variables": [{"name": "PORT", "value": "1"}]}),
        ("POST", "/projects/shop/deployments", {"ref": "main"}),
        ("DELETE", "/projects/shop/variables", None),
        ("DELETE", "/projects/shop/variables?name=lower", None),
        ("GET", "/projects?limit=0", None),
        ("GET", "/projects?cursor=nonsense", None),
        ("GET", "/executions?cursor=WzEsMl0", None),
        ("GET", "/executions?status=unknown", None),
        ("GET", "/projects/No", None),
        ("GET", "/deployments/nothing", None),
    ],
)
async def test_what_is_not_acceptable_is_refused(
    platform: MemoryPlatform, method: str, path: str, body: dict[str, Any] | None
):
    error = (await ok(await platform.client.request(method, path, json=body), 422))["error"]
    assert error["code"]
    assert error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/projects/nope", "/projects/nope/environments", "/projects/nope/deployments", "/projects/nope/variables",
        "/executions/nope", "/executions/nope/events", "/deployments/depl_0000000000000000000000",
        "/deployments/depl_0000000000000000000000/log",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(platform: MemoryPlatform, path: str):
    assert (await ok(await platform.client.get(path), 404))["error"]["code"]


async def test_an_unknown_branch_is_refused_at_once(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    answer = await platform.client.post("/projects/shop/deployments", json={"branch": "nope"})
    error = (await ok(answer, 422))["error"]
    assert error["code"] == "cloud.source.unknown_ref"
    assert "main" in error["message"]


async def follow(platform: MemoryPlatform, path: str) -> list[Received]:
    async with asyncio.timeout(20), platform.client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event async for event in read_events(answer.aiter_lines())]


async def test_the_events_of_an_execution_hold_those_of_its_children(platform: MemoryPlatform, repository: Repository):
    execution = await create(platform, repository)
    live = await follow(platform, f"/executions/{execution}/events")
    again = await follow(platform, f"/executions/{execution}/events")
    for events in (live, again):
        told = [json.loads(each.data) for each in events if each.name == "event"]
        assert (told[-1]["execution"], told[-1]["name"], told[-1]["status"]) == (
            execution, "execution.finished", "succeeded",
        )  # fmt: skip
        deploy = [each for each in told if each["parent"] == execution]
        assert {"build-artifact", "go-live"} <= {each["step"] for each in deploy}
        for one in {each["execution"] for each in told}:
            numbers = [each["seq"] for each in told if each["execution"] == one and each["seq"]]
            assert numbers == sorted(set(numbers)) == list(range(1, len(numbers) + 1))
        states = [json.loads(each.data) for each in events if each.name == "state"]
        assert [each["workflow"] for each in states] == ["create-project", "deploy"]


async def test_the_events_of_a_failure_hold_its_retries_and_its_undoing(
    platform: MemoryPlatform, repository: Repository
):
    platform.builder.refusal = ProviderUnavailableError("The disk is full.")
    execution = await create(platform, repository)
    events = await follow(platform, f"/executions/{execution}/events")
    told = [json.loads(each.data) for each in events if each.name == "event"]
    retries = [each for each in told if each["name"] == "step.retrying"]
    assert [each["attempt"] for each in retries] == [1, 2, 3, 4, 5]
    assert all(each["error"] == "The disk is full." and each["due"] > each["at"] for each in retries)
    undone = {each["step"] for each in told if each["name"] == "undo.succeeded"}
    assert {"build-artifact", "create-database", "provide-route"} <= undone
    assert told[-1]["status"] == "reverted"
    shown = await ok(await platform.client.get("/projects/shop"))
    assert (shown["state"], "disk is full" in shown["reason"]) == ("failed", True)


async def test_an_execution_is_cancelled_once(platform: MemoryPlatform, repository: Repository):
    platform.builder.outcome = RUNNING
    execution = await create(platform, repository)
    await eventually(lambda: platform.builder.started)
    path = f"/executions/{execution}/cancel"
    assert await ok(await platform.client.post(path), 202) == {"accepted": True}
    found = await ended(platform, execution)
    assert (found["status"], found["reason"]) == ("reverted", "cancelled")
    assert await ok(await platform.client.post(path), 202) == {"accepted": False}
    retried = await platform.client.post(f"/executions/{execution}/retry")
    assert (await ok(retried, 409))["error"]["code"] == "cloud.executions.state"


def write_log(platform: MemoryPlatform, text: str, number: int = 1) -> None:
    path = platform.builder.log("shop", f"production-{number}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


async def test_a_log_is_read_in_parts_and_from_its_end(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    write_log(platform, "one\ntwo\nthree\n")
    path = f"/deployments/{(await newest(platform))['id']}/log"
    whole = await platform.client.get(path)
    assert (whole.text, whole.headers["X-Next-Offset"], whole.headers["X-Log-Complete"]) == (
        "one\ntwo\nthree\n", "14", "true",
    )  # fmt: skip
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await platform.client.get(path, params={"offset": 4})).text == "two\nthree\n"
    assert (await platform.client.get(path, params={"tail": 1})).text == "three\n"
    assert (await platform.client.get(path, params={"kind": "runtime"})).text == ""


async def test_the_log_of_a_build_is_followed_and_resumed(platform: MemoryPlatform, repository: Repository):
    platform.builder.outcome = RUNNING
    await create(platform, repository)
    await eventually(lambda: platform.builder.started)
    path = f"/deployments/{(await newest(platform))['id']}/log"
    write_log(platform, "one\ntwo\n")
    assert (await platform.client.get(path)).headers["X-Log-Complete"] == "false"
    following = asyncio.create_task(follow(platform, f"{path}?follow=true"))
    write_log(platform, "three\n")
    platform.builder.finish("shop", "production-1", BUILT)
    events = await following
    parts = [json.loads(each.data)["text"] for each in events if each.name == "part"]
    assert "".join(parts) == "one\ntwo\nthree\n"
    assert (events[-1].name, events[-1].id) == ("end", "14")
    headers = {"Last-Event-ID": "8"}
    async with platform.client.stream("GET", f"{path}?follow=true", headers=headers) as answer:
        rest = [event async for event in read_events(answer.aiter_lines())]
    assert [(each.name, each.id) for each in rest] == [("part", "14"), ("end", "14")]


async def test_the_log_of_a_failed_build_stays(platform: MemoryPlatform, repository: Repository):
    await created(platform, repository)
    platform.builder.outcome = FAILING
    write_log(platform, "npm ci\nno such package\n", number=2)
    accepted = await ok(await platform.client.post("/projects/shop/deployments", json={}), 202)
    assert (await ended(platform, accepted["execution"]))["status"] == "reverted"
    failed = await newest(platform)
    assert failed["state"] == "build_failed"
    platform.builder.log("shop", "production-2").unlink()
    assert (await platform.client.get(f"/deployments/{failed['id']}/log")).text == "npm ci\nno such package\n"


async def test_the_description_names_every_answer(platform: MemoryPlatform):
    described = (await platform.client.get("http://test/openapi.json")).json()
    paths = {path: methods for path, methods in described["paths"].items() if path.startswith("/api/v1")}
    assert len(paths) > 12
    for methods in paths.values():
        for operation in methods.values():
            assert operation["security"] == [{"HTTPBearer": []}]
            assert operation["summary"]
            assert operation["description"]
            assert {"422", "default"} < set(operation["responses"])
            success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            assert all(body["schema"] for body in success["content"].values())


NODE = {
    "package.json": b'{"name": "app", "scripts": {"start": "node b.js"}}',
    "package-lock.json": b'{"lockfileVersion": 3}',
}
