"""What can be wrong with an application's settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from euryale.framework.errors import FrameworkError


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that is not acceptable.

    Attributes:
        field: Its dotted name, such as ``database.url``.
        place: Where the value came from: ``hello.toml: database.url``, ``environment: HELLO_DATABASE__URL``,
            ``arguments``; empty if there is none.
        message: What is wrong with it and what is allowed. Never holds a secret's value.
    """

    field: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" ({self.place})" if self.place else "")


class ConfigError(FrameworkError):
    """Settings are missing or not acceptable. The message lists every one, where it came from and what is allowed.

    Attributes:
        problems: All of them, by field.
    """

    code = "framework.config"

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)
