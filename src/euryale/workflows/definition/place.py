"""Where in the user's code something is defined: what a refusal begins with."""

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

from euryale.workflows.definition.placeholder import caller_location
from euryale.workflows.errors import DefinitionError


def place_of(function: Callable[..., Any]) -> str:
    """Return ``file:line`` of a function; an empty string if that is not known."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def placed(function: Callable[..., Any], what: str) -> str:
    """Return what a function is to users, behind its place."""
    place = place_of(function)
    return f"{place}: {what}" if place else what


def name_after(function: Callable[..., Any]) -> str:
    """Return the name that something gets after a function, with dashes for underscores.

    Raises:
        DefinitionError: If the function has none.
    """
    name: object = getattr(function, "__name__", None)
    if not isinstance(name, str):
        raise DefinitionError(f"{function!r} has no name of its own.", hint='Give one: name="create-database".')
    return name.replace("_", "-")


class Located:
    """Around checks of what a user wrote: a refusal out of them says in which file and line that stands."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Name the place; what a composer does wrong names its own."""
        if isinstance(error, DefinitionError) and kind is DefinitionError:
            raise DefinitionError(f"{caller_location()}: {error.message}", hint=error.hint) from error.__cause__
