"""The composition root: the only file that names who provides what."""

from pathlib import Path

from euryale.framework.app import Application
from euryale.framework.container import provide
from euryale.workflows import ExecutionReverted, Store
from euryale.workflows.stores.sqlite import SQLiteStore
from hello.api import front, greetings
from hello.modules.greetings import GREETINGS
from hello.settings import HelloSettings
from hello.subscribers.announcements import announce
from hello.workflows.greet import greet


def open_store(settings: HelloSettings) -> Store:
    """Return where this instance keeps its executions.

    A file has one owner, and while a deployment switches two instances run: so each port has a file of its own.
    """
    return SQLiteStore(settings.executions.expanduser() / f"executions-{settings.port}.sqlite3")


app = Application(
    "hello",
    settings=HelloSettings,
    config_file=Path(__file__).parents[1] / "hello.toml",
    modules=[GREETINGS],
    providers=[provide(open_store)],
    workflows=[greet],
    subscribers=[announce],
    routers=[front.router, greetings.router],
    error_statuses={ExecutionReverted: 422},
)
