"""What names, refs and ids may look like, as patterns that stand in the API's description."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from euryale.framework.config import SecretField
from euryale.kit.secret import Secret

_HANDLE: Final = r"^[a-z](?:-?[a-z0-9])*$"
_PATH_PART: Final = r"\.?[^/\\.\x00-\x1f\x7f-][^/\\\x00-\x1f\x7f]*"
_LONGEST_VALUE: Final = 32 * 1024

RESERVED_VARIABLES: Final = frozenset({"DATABASE_URL", "HOME", "HOST", "PATH", "PORT", "TMPDIR"})
"""What the platform itself sets for an application."""

ProjectName = Annotated[str, StringConstraints(pattern=_HANDLE, min_length=2, max_length=30)]
"""2 to 30 lower-case letters, digits and single dashes, a letter first."""

EnvironmentName = Annotated[str, StringConstraints(pattern=_HANDLE, min_length=1, max_length=30)]
"""``production``, or what was made of a branch's name."""

BranchName = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f~^:?*\[\\/.-][^\x00-\x20\x7f~^:?*\[\\]*$", max_length=240)
]
"""The name of a branch; git has more rules, which the source knows."""

CommitHash = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$")]
"""A full commit hash."""

RepositoryAddress = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f-][^\x00-\x20\x7f]*$", min_length=1, max_length=2048)
]
"""Where a repository is: a clone URL, ``user@host:path``, a directory, or ``euryale:<name>``."""

RootDirectory = Annotated[
    str, StringConstraints(pattern=rf"^(?:\.|(?:\./)?{_PATH_PART}(?:/{_PATH_PART})*/?)$", max_length=400)
]
"""A directory of a repository, relative to its top and without ``..``."""

DeploymentId = Annotated[str, StringConstraints(pattern=r"^depl_[0-9a-z]{22}$")]
"""A deployment's id."""

ExecutionId = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200)]
"""A workflow execution's id."""

WorkflowName = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200)]
"""A workflow's name."""

IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)]
"""A key of the caller's: the same key is the same request."""


def _not_reserved(name: str) -> str:
    if name in RESERVED_VARIABLES:
        raise ValueError(f"{name} is set by the platform; choose another name")
    return name


VariableName = Annotated[
    str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=128), AfterValidator(_not_reserved)
]
"""The name of a variable: upper-case letters, digits and underscores, none of those that the platform sets."""


def _storable(value: Secret) -> Secret:
    if "\0" in value.reveal():
        raise ValueError("a value cannot hold a NUL character")
    if len(value.reveal()) > _LONGEST_VALUE:
        raise ValueError(f"a value has at most {_LONGEST_VALUE} characters")
    return value


_VALUE_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "format": "password",
    "writeOnly": True,
    "maxLength": _LONGEST_VALUE,
    "pattern": r"^[^\x00]*$",
}

VariableValue = Annotated[SecretField, AfterValidator(_storable), WithJsonSchema(_VALUE_SCHEMA)]
"""The value of a variable; it is taken and never told."""
