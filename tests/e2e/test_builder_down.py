"""The classic failure, with all real providers: the builder is down while the database is made beside it."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.notifier.signature import DELIVERY_HEADER, SIGNATURE_HEADER, verify
from euryale.cloud.workflows.steps.policy import PATIENT
from euryale.workflows import ExecutionEvent
from eventually import eventually
from guarded_platform import GuardedPlatform, guarded_platform
from platform_process import repository_of

HELLO = Path(__file__).parents[2] / "examples" / "hello"
HOST = "production.hello.localhost"
REASON = "The builder is not available: nobody answers there."
UNDONE_AT_ONCE = {
    "validate-repository",
    "create-project-record",
    "create-production-record",
    "provide-route",
    "create-pipeline",
    "create-database",
}
OWN_FILES = {
    *("builds", "builds/downloads", "builds/pipelines", "builds/slots", "checkouts", "databases"),
    *("logs", "logs/builds", "notifications.jsonl", "deliveries.jsonl"),
}
"""What a platform keeps for itself, whichever projects there are; a mirror is kept for each address ever read."""


@dataclass(frozen=True)
class Outage:
    """A builder that is down.

    Attributes:
        calls: The calls that fail.
        first: The one at which the creation meets it; the database is made by then.
        step: The step that makes this call.
        undone: The steps that are compensated.
        told: The events that are emitted.
    """

    calls: tuple[str, ...]
    first: str
    step: str
    undone: frozenset[str]
    told: tuple[str, ...] = ("project.creation_failed",)


NO_PIPELINE = Outage(("create_pipeline",), "create_pipeline", "create-pipeline", frozenset(UNDONE_AT_ONCE))
NO_BUILD = Outage(
    ("start",),
    "start",
    "build-artifact",
    frozenset({*UNDONE_AT_ONCE, "deploy", "open-deployment", "ensure-database", "build-artifact"}),
    ("deployment.failed", "project.creation_failed"),
)
NOTHING_AT_ALL = Outage(
    tuple(name for name in vars(Builder) if not name.startswith("_") and name != "log"),
    "create_pipeline",
    "create-pipeline",
    frozenset(UNDONE_AT_ONCE),
)


@dataclass(frozen=True)
class Sight:
    """All that can be seen of what stands on the machine."""

    files: frozenset[str]
    processes: frozenset[tuple[int, str]]
    caddy: Any


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[GuardedPlatform]:
    async with guarded_platform() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("outage", [NO_PIPELINE, NO_BUILD], ids=["from-the-beginning", "at-the-build"])
async def test_it_is_tried_patiently_and_then_nothing_is_left(
    platform: GuardedPlatform, tmp_path: Path, outage: Outage
) -> None:
    repository, before = repository_of(HELLO, tmp_path / "hello"), await look(platform)
    execution, url = await create_until_the_builder_is_met(platform, outage, repository)
    found = await platform.ended(execution)
    assert_tried_then_undone(found, await platform.history(execution), outage)
    await assert_nothing_is_left(platform, before, url)
    await assert_why_is_told(platform, execution, outage)
    platform.faults.mend()
    await assert_it_can_be_created_now(platform, repository, outage)


@pytest.mark.slow
async def test_what_a_dead_builder_may_hold_is_undone_when_it_is_back(
    platform: GuardedPlatform, tmp_path: Path
) -> None:
    repository, before, outage = repository_of(HELLO, tmp_path / "hello"), await look(platform), NOTHING_AT_ALL
    execution, url = await create_until_the_builder_is_met(platform, outage, repository)

    async def only_the_builder_is_left() -> bool:
        steps = {each["id"]: each for each in (await platform.ask("GET", f"/executions/{execution}"))["steps"]}
        rest = (steps["create-database"]["undo_state"], steps["provide-route"]["undo_state"])
        return rest == ("reverted", "reverted") and steps["create-pipeline"]["undo_attempts"] > 1

    await eventually(only_the_builder_is_left, within=60)
    assert (await platform.ask("GET", f"/executions/{execution}"))["status"] == "compensating"
    assert platform.events.named("project.creation_failed") == []
    platform.faults.mend()
    found = await platform.ended(execution)
    assert_tried_then_undone(found, await platform.history(execution), outage)
    await assert_nothing_is_left(platform, before, url)
    await assert_why_is_told(platform, execution, outage)
    await assert_it_can_be_created_now(platform, repository, outage)


async def look(platform: GuardedPlatform) -> Sight:
    return Sight(frozenset(platform.files()), frozenset(platform.processes()), await platform.caddy())


async def create_until_the_builder_is_met(
    platform: GuardedPlatform, outage: Outage, repository: Path
) -> tuple[str, str]:
    """Return the execution and the URL of the database, which really is there when the builder turns out to be down."""
    hold = platform.faults.hold(f"builder.{outage.first}")
    for call in outage.calls:
        platform.faults.fail(f"builder.{call}", ProviderUnavailableError(REASON))
    execution = await platform.create("hello", repository)
    await eventually(lambda: platform.faults.made("databases.create_branch"), within=60)
    await eventually(hold.reached.is_set, within=60)
    branch = await platform.databases.connect("hello", "production")
    url = branch.url.reveal()
    databases, roles = await databases_and_roles(url)
    assert url.rpartition("/")[2] in databases
    assert url.split("//")[1].split(":")[0] in roles
    await eventually(lambda: _status(platform, 503), within=60)  # its route is there, and nothing behind it
    hold.release()
    return execution, url


async def _status(platform: GuardedPlatform, status: int) -> bool:
    return (await platform.get(HOST)).status_code == status


async def databases_and_roles(url: str) -> tuple[set[str], set[str]]:
    """Ask a cluster what it holds."""
    connection = await asyncpg.connect(url)
    try:
        databases = await connection.fetch("SELECT datname FROM pg_database")
        roles = await connection.fetch("SELECT rolname FROM pg_roles")
    finally:
        await connection.close()
    return {row[0] for row in databases}, {row[0] for row in roles}


def assert_tried_then_undone(found: dict[str, Any], history: list[ExecutionEvent], outage: Outage) -> None:
    assert found["status"] == "reverted"
    assert REASON in found["error"]["message"]
    retries = [(each.step, each.attempt, each.error) for each in history if each.name == "step.retrying"]
    assert retries == [(outage.step, attempt, REASON) for attempt in range(1, PATIENT.max_attempts)]
    undone = Counter(each.step for each in history if each.name == "undo.succeeded")
    assert undone == Counter(outage.undone)
    assert [each.step for each in history if each.name == "undo.failed"] == []


async def assert_nothing_is_left(platform: GuardedPlatform, before: Sight, url: str) -> None:
    after = await look(platform)
    left = {each for each in after.files - before.files if not each.startswith("mirrors/")}
    assert left <= OWN_FILES
    assert after.processes == before.processes
    assert after.caddy == before.caddy
    assert "hello" not in str(after.caddy)
    assert (await platform.get(HOST)).status_code == 404
    assert await platform.databases.inventory() == frozenset()
    with pytest.raises(ConnectionRefusedError):  # the cluster is gone, and with it its databases and roles
        await databases_and_roles(url)
    assert await platform.ask("GET", "/doctor") == {"healthy": True, "differences": []}


async def assert_why_is_told(platform: GuardedPlatform, execution: str, outage: Outage) -> None:
    project = await platform.ask("GET", "/projects/hello")
    assert (project["state"], project["execution"]) == ("failed", execution)
    assert REASON in project["reason"]
    (production,) = project["environments"]
    assert (production["state"], production["live"]) == ("failed", None)
    await eventually(lambda: len(platform.receiver.deliveries) >= len(outage.told), within=20)
    (event,) = platform.events.named("project.creation_failed")
    assert event.data == {"project": "hello", "execution": execution, "reason": project["reason"]}
    (delivery,) = [each for each in platform.receiver.deliveries if each.headers[DELIVERY_HEADER.lower()] == event.id]
    assert verify(delivery.body, delivery.headers[SIGNATURE_HEADER.lower()], platform.home.webhook_secret)
    told = delivery.json()
    assert (told["event"], told["title"]) == (event.name, "Project hello could not be created")
    assert (told["text"], told["data"]) == (project["reason"], event.data)


async def assert_it_can_be_created_now(platform: GuardedPlatform, repository: Path, outage: Outage) -> None:
    found = await platform.ended(await platform.create("hello", repository))
    assert found["status"] == "succeeded", found["error"]
    answer = await platform.get(HOST)
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    assert (await platform.get(HOST, "/greetings")).status_code == 200  # read from its database
    project = await platform.ask("GET", "/projects/hello")
    assert (project["state"], project["reason"]) == ("ready", "")
    assert await platform.ask("GET", "/doctor") == {"healthy": True, "differences": []}
    all_told = Counter([*outage.told, "deployment.live", "project.created"])  # each exactly once, from first to last
    await eventually(lambda: len(platform.receiver.deliveries) >= all_told.total(), within=20)
    assert Counter(each.json()["event"] for each in platform.receiver.deliveries) == all_told
    assert Counter(each.name for each in platform.events.all) == all_told
