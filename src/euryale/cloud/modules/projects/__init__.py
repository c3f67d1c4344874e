"""Projects, their environments and their variables."""

from euryale.cloud.modules.projects.errors import (
    InvalidHandleError,
    ProjectExistsError,
    ProjectStateError,
    UnknownEnvironmentError,
    UnknownProjectError,
    UnknownVariableError,
)
from euryale.cloud.modules.projects.models import Base
from euryale.cloud.modules.projects.names import check_handle, environment_handle
from euryale.cloud.modules.projects.records import (
    Environment,
    EnvironmentKind,
    EnvironmentState,
    NewProject,
    Project,
    ProjectState,
    Scope,
    Variable,
)
from euryale.cloud.modules.projects.service import Projects
from euryale.framework.modules import Module

PROJECTS = Module("projects", services=[Projects], models=Base)

__all__ = [
    "PROJECTS",
    "Environment",
    "EnvironmentKind",
    "EnvironmentState",
    "InvalidHandleError",
    "NewProject",
    "Project",
    "ProjectExistsError",
    "ProjectState",
    "ProjectStateError",
    "Projects",
    "Scope",
    "UnknownEnvironmentError",
    "UnknownProjectError",
    "UnknownVariableError",
    "Variable",
    "check_handle",
    "environment_handle",
]
