"""The test kit itself: it fails when it should."""

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped

from euryale.framework.app import Application
from euryale.framework.config import Settings
from euryale.framework.data import Database, DatabaseSettings, Model, id_column
from euryale.framework.events import EVENT_DISPATCHED
from euryale.framework.modules import Module
from euryale.framework.testing import (
    EventCapture,
    assert_migrations_match_models,
    assert_modules_independent,
    run_app,
)
from euryale.kit.telemetry import Telemetry
from euryale.workflows import ReleasedEvent

SOURCES = {
    "alpha/service.py": "class Alpha: ...\n",
    "beta/service.py": "from shop_under_test.alpha.service import Alpha\nclass Beta: ...\n",
    "gamma/service.py": "from .. import alpha\nclass Gamma: ...\n",
    "delta/service.py": "",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Module]]:
    for path, source in SOURCES.items():
        file = tmp_path / "shop_under_test" / path
        file.parent.mkdir(parents=True)
        (file.parent / "__init__.py").write_text("class Delta: ...\n")
        file.write_text(source)
    (tmp_path / "shop_under_test" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    places = {"alpha": "alpha.service", "beta": "beta.service", "gamma": "gamma.service", "delta": "delta"}
    for name, place in places.items():
        module = importlib.import_module(f"shop_under_test.{place}")
        found[name] = Module(name, services=[getattr(module, name.title())])
    yield found
    for name in [name for name in sys.modules if name.startswith("shop_under_test")]:
        del sys.modules[name]


def test_a_module_that_imports_another_is_found(shop: dict[str, Module]):
    assert_modules_independent(shop["alpha"])
    assert_modules_independent(shop["alpha"], shop["delta"])
    with pytest.raises(AssertionError, match=r"'beta' imports shop_under_test\.alpha\.service\.Alpha .*service\.py:1"):
        assert_modules_independent(shop["alpha"], shop["beta"])
    with pytest.raises(AssertionError, match=r"'gamma' imports shop_under_test\.alpha"):
        assert_modules_independent(shop["alpha"], shop["gamma"])


async def test_models_without_their_migration_are_found(tmp_path: Path):
    class Base(Model, DeclarativeBase, module="late"): ...

    class Thing(Base):
        id: Mapped[str] = id_column("thing")

    (tmp_path / "migrations").mkdir()
    with pytest.raises(AssertionError, match=r"'late' do not lead to its models:\n    .*late_thing"):
        await assert_migrations_match_models(tmp_path, Module("late", models=Base, migrations=tmp_path / "migrations"))


class Storage(Settings):
    database: DatabaseSettings


class Deep(Settings):
    storage: Storage


async def test_a_test_has_a_database_of_its_own_wherever_its_section_is(tmp_path: Path):
    application = Application("deep", settings=Deep)
    async with run_app(application, folder=tmp_path) as running:
        assert running.container.resolve(Database).url.database == f"{tmp_path}/test.sqlite3"


async def test_captured_events_are_waited_for_and_named():
    telemetry = Telemetry()
    event = ReleasedEvent("e", "a.b", None, "x", datetime(2026, 1, 1, tzinfo=UTC))
    with EventCapture(telemetry) as events:
        telemetry.report(EVENT_DISPATCHED, event=event, subscribers=())
        assert await events.wait_for("a.b") is event
        with pytest.raises(AssertionError, match=r"no event a\.c within 0\.01 s; there were \['a\.b'\]"):
            await events.wait_for("a.c", within=0.01)
    telemetry.report(EVENT_DISPATCHED, event=event, subscribers=())
    assert events.named("a.b") == [event]
