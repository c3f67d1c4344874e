"""Where the files of instances stand.

``ROOT/APP/home``, ``ROOT/APP/tmp`` the application's own to write to
``ROOT/APP/logs/NAME.log``          what it wrote; kept until the environment is destroyed
``ROOT/APP/instances/NAME/``        record, state and lock of one instance, for the platform's account alone
``ROOT/APP/releases/NAME/``         the same of a command that is run once
``ROOT/.guards/``                   locks between platform processes
"""

from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.providers.runtime.names import HANDLE, check_handle
from euryale.cloud.providers.runtime.process import supervisor


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one instance, or of one command that is run once.

    Attributes:
        app: The environment's handle.
        name: The instance's handle.
        directory: What is deleted when it is forgotten.
        log: What it wrote.
        guard: Whoever holds this file's lock may start or end it.
    """

    app: str
    name: str
    directory: Path
    log: Path
    guard: Path

    @property
    def spec(self) -> Path:
        """What the supervisor is to run."""
        return self.directory / supervisor.SPEC

    @property
    def state(self) -> Path:
        """How it stands."""
        return self.directory / supervisor.STATE

    @property
    def stop(self) -> Path:
        """There if it is not to run any more."""
        return self.directory / supervisor.STOP

    @property
    def lock(self) -> Path:
        """Locked by the supervisor as long as it lives."""
        return self.directory / supervisor.LOCK

    @property
    def diary(self) -> Path:
        """What the supervisor itself has to complain of."""
        return self.directory / "supervisor.log"


class Directories:
    """Finds the files of instances beneath ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.guards = root / ".guards"
        self.ports = root / ".ports"

    def app(self, app: str) -> Path:
        """Return the environment's directory.

        Raises:
            PermanentError: If ``app`` is no handle.
        """
        return self.root / check_handle(app)

    def home(self, app: str) -> Path:
        """Return the home of the environment's processes."""
        return self.app(app) / "home"

    def temporary(self, app: str) -> Path:
        """Return the directory for the environment's temporary files.

        It is not in the home: whoever owns a directory can put a link in the place of what is in it.
        """
        return self.app(app) / "tmp"

    def instance(self, app: str, name: str) -> Place:
        """Return the place of an instance."""
        return self._place(app, name, "instances")

    def release(self, app: str, name: str) -> Place:
        """Return the place of a command that is run once."""
        return self._place(app, name, "releases")

    def apps(self) -> list[str]:
        """Return the environments that have a directory."""
        return _directories(self.root)

    def instances(self, app: str) -> list[Place]:
        """Return the places of the environment's instances."""
        return [self.instance(app, name) for name in _directories(self.app(app) / "instances")]

    def releases(self, app: str) -> list[Place]:
        """Return the places of the environment's commands that are run once."""
        return [self.release(app, name) for name in _directories(self.app(app) / "releases")]

    def _place(self, app: str, name: str, kind: str) -> Place:
        top = self.app(app)
        return Place(
            app=app,
            name=check_handle(name),
            directory=top / kind / name,
            log=top / "logs" / f"{name}.log",
            guard=self.guards / f"{kind}+{app}+{name}",
        )


def _directories(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and HANDLE.fullmatch(entry.name))
    except FileNotFoundError:
        return []
