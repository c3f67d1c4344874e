"""What names, refs and ids may look like, as patterns that stand in the API's description."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from euryale.framework.config import SecretField
from euryale.kit.secret import Secret

_HANDLE: Final = r"^[a-z](?:-?[a-z0-9])*$"
_PATH_PART: Final = r"\.?[^/\\.\x00-\x1f\x7f-][^/\\\x00-\x1f\x7f]*"
_LONGEST_VALUE: Final = 32 * 1024

RESERVED_VARIABLES: Final = frozenset({"DATABASE_URL", "HOME", "HOST", "PATH", "PORT", "TMPDIR"})
"""What the platform itself sets for an application."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a text is spelt; a text that is not is refused with the rule, in words.

    Attributes:
        pattern: The regular expression, anchored at both ends, as it stands in the API's description.
        longest: The most characters.
        rule: What is allowed, for a person.
        shortest: The fewest characters.
    """

    pattern: str
    longest: int
    rule: str
    shortest: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the spelling after the type."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe it with the pattern and the lengths."""
        lengths = {"minLength": self.shortest, "maxLength": self.longest}
        return {**handler(schema), "pattern": self.pattern, **lengths}

    def _checked(self, text: str) -> str:
        if not self.shortest <= len(text) <= self.longest or not re.fullmatch(self.pattern, text):
            raise PydanticCustomError("spelling", "use {rule}", {"rule": self.rule})
        return text


ProjectName = Annotated[
    str, Spelling(_HANDLE, 30, "2 to 30 lower-case letters, digits and single dashes, a letter first", shortest=2)
]
"""The name of a project."""

EnvironmentName = Annotated[
    str, Spelling(_HANDLE, 30, "1 to 30 lower-case letters, digits and single dashes, a letter first")
]
"""``production``, or what was made of a branch's name."""

BranchName = Annotated[
    str,
    Spelling(
        r"^[^\x00-\x20\x7f~^:?*\[\\/.-][^\x00-\x20\x7f~^:?*\[\\]*$",
        240,
        "the name of a branch, such as main or feature/new",
    ),
]
"""The name of a branch; git has more rules, which the source knows."""

CommitHash = Annotated[
    str,
    Spelling(r"^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$", 64, "a commit's full hash, of 40 or 64 hex digits", shortest=40),
]
"""A full commit hash."""

RepositoryAddress = Annotated[
    str,
    Spelling(
        r"^[^\x00-\x20\x7f-][^\x00-\x20\x7f]*$",
        2048,
        "a repository's address: a clone URL, user@host:path, a directory, or euryale:<name>",
    ),
]
"""Where a repository is."""

RootDirectory = Annotated[
    str,
    Spelling(
        rf"^(?:\.|(?:\./)?{_PATH_PART}(?:/{_PATH_PART})*/?)$",
        400,
        "a directory relative to the repository's top, without ..",
    ),
]
"""A directory of a repository."""

DeploymentId = Annotated[str, Spelling(r"^depl_[0-9a-z]{22}$", 27, "a deployment's id: depl_...", shortest=27)]
"""A deployment's id."""

ExecutionId = Annotated[str, Spelling(r"^[!-~]+$", 200, "an execution's id: printable ASCII without spaces")]
"""A workflow execution's id."""

WorkflowName = Annotated[str, Spelling(r"^[!-~]+$", 200, "a workflow's name: printable ASCII without spaces")]
"""A workflow's name."""

IdempotencyKey = Annotated[str, Spelling(r"^[A-Za-z0-9._-]+$", 64, "1 to 64 letters, digits, dots, dashes and _")]
"""A key of the caller's: the same key is the same request."""


def _not_reserved(name: str) -> str:
    if name in RESERVED_VARIABLES:
        raise PydanticCustomError("reserved", "{name} is set by the platform; choose another name", {"name": name})
    return name


VariableName = Annotated[
    str,
    Spelling(r"^[A-Z_][A-Z0-9_]*$", 128, "upper-case letters, digits and _, no digit first"),
    AfterValidator(_not_reserved),
]
"""The name of a variable: upper-case letters, digits and underscores, none of those that the platform sets."""


def _storable(value: Secret) -> Secret:
    if "\0" in value.reveal():
        raise PydanticCustomError("nul", "a value cannot hold a NUL character")
    if len(value.reveal()) > _LONGEST_VALUE:
        raise PydanticCustomError("long", "a value has at most {most} characters", {"most": _LONGEST_VALUE})
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
