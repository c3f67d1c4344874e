"""The application, whole, in this process: HTTP, data, workflow, subscriber."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.framework.testing import RunningApp, assert_migrations_match_models, run_app
from euryale.workflows import Engine, ExecutionQuery, Status, UndoState
from hello.app import app, open_store
from hello.message import MESSAGE
from hello.modules.greetings import GREETINGS
from hello.settings import HelloSettings
from hello.workflows.greet import GREETING_ANSWERED, answer_to


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningApp]:
    async with run_app(app, folder=tmp_path) as running:
        yield running


async def test_the_migrations_are_those_of_the_models(tmp_path: Path) -> None:
    await assert_migrations_match_models(tmp_path, GREETINGS)


async def test_the_front_says_its_message_and_the_health_is_good(running: RunningApp) -> None:
    assert (await running.client.get("/")).json() == {"message": MESSAGE}
    assert (await running.client.get("/health")).status_code == 200
    assert (await running.client.get("/ready")).json()["checks"] == {"database": "ok"}


async def test_a_greeting_is_answered_listed_and_announced(running: RunningApp) -> None:
    added = await running.client.post("/greetings", json={"name": "Ada", "text": "Moin!"})
    assert added.status_code == 201
    assert added.json()["answer"] == "Moin moin, Ada"
    event = await running.events.wait_for(GREETING_ANSWERED)
    assert await running.handled(event) == {"announce": Status.SUCCEEDED}
    (listed,) = (await running.client.get("/greetings")).json()["items"]
    assert listed == {**added.json(), "announced": True}


async def test_who_greeted_can_be_corrected(running: RunningApp) -> None:
    greeting = (await running.client.post("/greetings", json={"name": "Ada"})).json()
    renamed = await running.client.patch(f"/greetings/{greeting['id']}", json={"name": "Bob"})
    assert renamed.json()["name"] == "Bob"
    (listed,) = (await running.client.get("/greetings")).json()["items"]
    assert (listed["id"], listed["name"]) == (greeting["id"], "Bob")
    assert (await running.client.patch("/greetings/none", json={"name": "Bob"})).status_code == 404


async def test_what_nobody_can_answer_is_taken_back(running: RunningApp) -> None:
    refused = await running.client.post("/greetings", json={"name": "Ada", "text": "Blorp"})
    assert refused.status_code == 422
    assert "Blorp" in refused.json()["error"]["message"]
    assert (await running.client.get("/greetings")).json()["items"] == []
    engine = running.container.resolve(Engine)
    (found,) = await engine.list(ExecutionQuery(workflow="greet"))
    undone = {step.id: step.undo_state for step in (await engine.get(found.id)).steps}
    assert undone["store-greeting"] is UndoState.REVERTED
    assert running.events.all == []


async def test_greetings_are_listed_in_pages(running: RunningApp) -> None:
    for name in ("Ada", "Bob", "Cyd"):
        await running.client.post("/greetings", json={"name": name})
    page = (await running.client.get("/greetings?limit=2")).json()
    assert [item["name"] for item in page["items"]] == ["Ada", "Bob"]
    rest = (await running.client.get("/greetings", params={"cursor": page["next"]})).json()
    assert [item["name"] for item in rest["items"]] == ["Cyd"]


def test_an_answer_is_in_the_language_of_the_greeting() -> None:
    assert answer_to("Ciao!", "Ada") == "Ciao, Ada"
    assert answer_to("Blorp", "Ada") is None


async def test_two_instances_keep_their_executions_apart(tmp_path: Path) -> None:
    given = {"DATABASE_URL": f"sqlite:///{tmp_path}/hello.sqlite3", "HELLO_EXECUTIONS": str(tmp_path)}
    settings = [app.load_settings(environ={**given, "PORT": str(port)}) for port in (4001, 4002)]
    old, new = [open_store(each) for each in settings if isinstance(each, HelloSettings)]
    await old.open()
    await new.open()
    await old.close()
    await new.close()
    assert {file.name for file in tmp_path.glob("*.sqlite3")} == {"executions-4001.sqlite3", "executions-4002.sqlite3"}
