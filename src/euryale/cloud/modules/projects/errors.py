"""What can be wrong with a request about projects.

NotFoundError
├── UnknownProjectError
├── UnknownEnvironmentError
└── UnknownVariableError
ConflictError
├── ProjectExistsError
└── ProjectStateError
InvalidInputError
└── InvalidHandleError
"""

from euryale.kit.errors import ConflictError, InvalidInputError, NotFoundError


class UnknownProjectError(NotFoundError):
    """There is no project of that name. ``euryale projects list`` shows those there are."""

    code = "cloud.projects.unknown"


class UnknownEnvironmentError(NotFoundError):
    """The project has no environment of that name. ``euryale environments PROJECT`` shows those it has."""

    code = "cloud.projects.unknown_environment"


class UnknownVariableError(NotFoundError):
    """The project has no variable of that name. ``euryale variables list PROJECT`` shows those it has."""

    code = "cloud.projects.unknown_variable"


class ProjectExistsError(ConflictError):
    """A project of that name exists. Choose another name, or delete that project first."""

    code = "cloud.projects.exists"


class ProjectStateError(ConflictError):
    """The project is in a state that does not allow this. The message says which, and what to wait for."""

    code = "cloud.projects.state"


class InvalidHandleError(InvalidInputError):
    """A name is not acceptable. Use 2 to 30 lower-case letters, digits and single dashes, a letter first."""

    code = "cloud.projects.invalid_handle"
