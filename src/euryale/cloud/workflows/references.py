"""What the steps of the platform's workflows pass on: small values that name things."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """Where an environment's things are: their deterministic names at the providers.

    Attributes:
        project: The project's name.
        environment: The environment's name.
    """

    project: str
    environment: str

    @property
    def app(self) -> str:
        """Its name at the runtime and at the router."""
        return f"{self.project}--{self.environment}"

    @property
    def database(self) -> str:
        """Its name in the inventory of the databases."""
        return f"{self.project}/{self.environment}"

    def build(self, number: int) -> str:
        """Return the name of a build at the builder."""
        return f"{self.environment}-{number}"

    def instance(self, process: str, number: int) -> str:
        """Return the name of an instance at the runtime."""
        return f"{process}-{number}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A repository that can be read.

    Attributes:
        repository: Its address in normal form.
        branch: The branch that is to be production's.
        commit: The commit to deploy.
    """

    repository: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project with a record.

    Attributes:
        id: Its id.
        name: Its name.
        repository: The address of its repository.
        branch: Its production's branch.
        root: The application's directory in the repository.
    """

    id: str
    name: str
    repository: str
    branch: str
    root: str


@dataclass(frozen=True, slots=True)
class EnvironmentRef:
    """An environment with a record.

    Attributes:
        id: Its id.
        project: Its project.
        name: Its name.
        branch: The branch it follows.
        base: The environment whose data it starts with, or an empty string.
        host: The host name under which it is reached.
        production: Whether it is the project's production.
    """

    id: str
    project: ProjectRef
    name: str
    branch: str
    base: str
    host: str
    production: bool

    @property
    def place(self) -> Place:
        """Where its things are."""
        return Place(self.project.name, self.name)


@dataclass(frozen=True, slots=True)
class DeploymentRef:
    """A deployment with a record.

    Attributes:
        id: Its id.
        number: Its number in the environment.
        environment: The environment.
        commit: The commit's hash.
    """

    id: str
    number: int
    environment: EnvironmentRef
    commit: str

    @property
    def place(self) -> Place:
        """Where its environment's things are."""
        return self.environment.place

    @property
    def build(self) -> str:
        """The name of its build."""
        return self.place.build(self.number)

    @property
    def built(self) -> str:
        """The name of its build in the inventory of the builder."""
        return f"{self.place.project}/{self.build}"


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What to deploy.

    Attributes:
        environment: Where to.
        commit: What; a hash.
        cause: Why: ``created``, ``push``, ``manual``, ``chosen`` or ``reconciled``.
    """

    environment: EnvironmentRef
    commit: str
    cause: str


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Which preview to make, or to bring to a newer commit.

    Attributes:
        project: The project's id.
        place: Where its things are.
        branch: The branch.
        commit: The commit's hash.
        cause: Why.
    """

    project: str
    place: Place
    branch: str
    commit: str
    cause: str


ASKED_FOR: Final = "asked for"
"""The cause of a removal that a person wants."""

BRANCH_DELETED: Final = "branch deleted"
"""The cause of a removal because there is no branch any more."""


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """Which preview to remove.

    Attributes:
        project: The project's id.
        place: Where its things are.
        cause: Why: :data:`BRANCH_DELETED` or :data:`ASKED_FOR`.
    """

    project: str
    place: Place
    cause: str
