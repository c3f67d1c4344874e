"""Where everything lies on the disk.

::

    <root>/.programs/<version>/        the programs, copied only if the account cannot reach the installed ones
    <root>/<project>/<branch>/         one cluster
        branch.json                    port and passwords, for the platform alone
        postgresql.conf, pg_hba.conf   written anew at each start
        startup.log                    what the server says before it has its log
        log/                           a ring of 24 hourly files
        data/                          what PostgreSQL owns
    <root>/<project>/.making-<branch>/ a cluster that is not complete: cleared and made again
    <root>/<project>/.gone-<branch>/   a cluster that is being deleted
"""

import os
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.providers.database.names import checked_name

_MAKING = ".making-"
_GONE = ".gone-"


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one cluster."""

    directory: Path

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data directory."""
        return self.directory / "data"

    @property
    def record(self) -> Path:
        """Return the file with the port and the passwords; a cluster exists when it has one."""
        return self.directory / "branch.json"

    @property
    def settings(self) -> Path:
        """Return the server's configuration file."""
        return self.directory / "postgresql.conf"

    @property
    def access(self) -> Path:
        """Return the file that says who may connect."""
        return self.directory / "pg_hba.conf"

    @property
    def logs(self) -> Path:
        """Return the directory of the server's log files."""
        return self.directory / "log"

    @property
    def startup_log(self) -> Path:
        """Return the file with the output of the server's last start."""
        return self.directory / "startup.log"

    def exists(self) -> bool:
        """Return whether a complete cluster is here."""
        return self.record.exists()


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths beneath ``root``. Every name that becomes a path passes through here and is checked."""

    root: Path

    @property
    def programs(self) -> Path:
        """Return the directory of the copied programs."""
        return self.root / ".programs"

    def project(self, project: str) -> Path:
        """Return a project's directory."""
        return self.root / checked_name(project)

    def branch(self, project: str, name: str) -> Place:
        """Return where a complete branch is."""
        return Place(self.project(project) / checked_name(name))

    def making(self, project: str, name: str) -> Place:
        """Return where a branch is until it is complete."""
        return Place(self.project(project) / f"{_MAKING}{checked_name(name)}")

    def gone(self, project: str, name: str) -> Path:
        """Return where a branch's files are while they are deleted."""
        return self.project(project) / f"{_GONE}{checked_name(name)}"

    def projects(self) -> list[str]:
        """Return the names of the projects that are on the disk."""
        return [name for name in _directories(self.root) if not name.startswith(".")]

    def branches(self, project: str) -> list[str]:
        """Return the names of the branches that have anything on the disk, complete or not."""
        names = _directories(self.project(project))
        return sorted({name.removeprefix(_MAKING).removeprefix(_GONE) for name in names})

    def complete(self) -> list[Place]:
        """Return the place of every complete branch of every project."""
        places = (self.branch(project, name) for project in self.projects() for name in self.branches(project))
        return [place for place in places if place.exists()]


def is_there(path: Path) -> bool:
    """Return whether anything is at ``path``, be it a broken link."""
    return os.path.lexists(path)


def _directories(parent: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
