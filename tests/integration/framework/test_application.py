"""The application notebook, whole: HTTP, data, workflows, events, in this process."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from notebook.app import NOTES, app
from notebook.modules.notes.service import Notes
from notebook.subscribers.greetings import Mailer

from euryale.framework.container import value
from euryale.framework.errors import ApplicationError
from euryale.framework.testing import RunningApp, assert_migrations_match_models, run_app
from euryale.workflows import Engine, Status
from euryale.workflows.ports import Store
from euryale.workflows.stores.sqlite import SQLiteStore


class FlakyMailer:
    """Fails twice, then keeps what it was told to send."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failures = 2

    async def send(self, text: str) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the mail server is away")
        self.sent.append(text)


@pytest.fixture
def mailer() -> FlakyMailer:
    return FlakyMailer()


@pytest.fixture
async def running(tmp_path: Path, mailer: FlakyMailer) -> AsyncIterator[RunningApp]:
    providers = [value(mailer, as_=Mailer)]
    async with run_app(app, folder=tmp_path, providers=providers, settings={"notes.most": 3}) as running:
        yield running


async def test_the_migrations_are_those_of_the_models(tmp_path: Path):
    await assert_migrations_match_models(tmp_path, NOTES)


async def test_notes_are_added_listed_in_pages_and_refused(running: RunningApp):
    client = running.client
    ids = []
    for title in "abc":
        answer = await client.post("/notes", json={"title": title, "text": "t"})
        assert answer.status_code == 201
        ids.append(answer.json()["id"])
    page = (await client.get("/notes?limit=2")).json()
    assert [item["title"] for item in page["items"]] == ["a", "b"]
    last = (await client.get("/notes", params={"limit": 2, "cursor": page["next"]})).json()
    assert ([item["id"] for item in last["items"]], last["next"]) == (ids[2:], None)
    answer = await client.post("/notes", json={"title": "d", "text": "t"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "notes.too_many")
    answer = await client.get("/notes/note_x")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "there is no note note_x")


async def test_a_title_that_is_taken_is_a_conflict(running: RunningApp):
    await running.client.post("/notes", json={"title": "a", "text": "t"})
    answer = await running.client.post("/notes", json={"title": "a", "text": "t"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "framework.data.duplicate")
    assert "UNIQUE" not in answer.text


async def test_it_is_ready_while_it_runs(running: RunningApp):
    answer = await running.client.get("/ready")
    assert answer.json() == {"status": "ready", "checks": {"database": "ok"}}


async def test_an_emitted_event_runs_its_subscriber_until_it_succeeds(running: RunningApp, mailer: FlakyMailer):
    note_id = (await running.client.post("/notes/announced", json={"title": "a", "text": "t"})).json()
    event = await running.events.wait_for("note.added")
    assert event.data == {"note_id": note_id}
    assert await running.handled(event) == {"tell-of-note": Status.SUCCEEDED}
    assert mailer.sent == ["new note: a"]
    view = await running.container.resolve(Engine).get(f"tell-of-note:{event.id}")
    assert view.steps[0].attempts == 3


async def test_a_service_publishes_without_a_workflow(running: RunningApp, mailer: FlakyMailer):
    mailer.failures = 0
    assert (await running.client.post("/notes/greetings/ann")).status_code == 202
    event = await running.events.wait_for("greeting.ann")
    assert await running.handled(event) == {"pass-on": Status.SUCCEEDED}
    assert mailer.sent == ["greeting.ann: {'to': 'ann'}"]


async def test_a_subscriber_is_run_after_a_restart(tmp_path: Path, mailer: FlakyMailer):
    mailer.failures = 10**6
    providers = [value(mailer, as_=Mailer), value(SQLiteStore(tmp_path / "w.sqlite3"), as_=Store)]
    async with run_app(app, folder=tmp_path, providers=providers) as running:
        await running.client.post("/notes/greetings/ann")
        event = await running.events.wait_for("greeting.ann")
    healed = FlakyMailer()
    healed.failures = 0
    providers = [value(healed, as_=Mailer), value(SQLiteStore(tmp_path / "w.sqlite3"), as_=Store)]
    async with run_app(app, folder=tmp_path, providers=providers) as running:
        assert await running.handled(event) == {"pass-on": Status.SUCCEEDED}
    assert healed.sent == ["greeting.ann: {'to': 'ann'}"]


async def test_an_application_runs_once_at_a_time_and_again_afterwards(tmp_path: Path):
    async with run_app(app, folder=tmp_path) as running:
        with pytest.raises(ApplicationError, match="is running already"):
            async with running.application.running(environ={}):
                pytest.fail("it ran twice")
        assert isinstance(running.application.container.resolve(Notes), Notes)
    with pytest.raises(ApplicationError, match="is not running"):
        assert running.application.container
    async with run_app(app, folder=tmp_path) as running:
        assert (await running.client.get("/notes")).json()["items"] == []


async def test_a_request_is_refused_before_it_runs_and_afterwards(tmp_path: Path):
    stopped = app.replacing()
    transport = httpx.ASGITransport(app=stopped.asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/notes")).json()["error"]["message"] == "the application is not running"
        url = f"sqlite:///{tmp_path}/notebook.sqlite3"
        async with stopped.running(
            environ={}, overrides={"database.url": url, "workflows.path": tmp_path / "w.sqlite3"}
        ):
            assert (await client.get("/notes")).status_code == 200
        assert (await client.get("/notes")).status_code == 503
