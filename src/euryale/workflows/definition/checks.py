"""Checks of what users pass: a refusal names the argument, what was given and what to give instead."""

import inspect
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final, TypeGuard, TypeVar

from euryale.workflows.errors import DefinitionError

T = TypeVar("T")

_SEPARATORS: Final = frozenset("#/ []")


def refusal(what: str, given: object, wanted: str, hint: str = "") -> DefinitionError:
    """Return the error that refuses an argument.

    Args:
        what: Where it was given, and its name, such as ``Engine: lease``.
        given: What was given.
        wanted: What would be right, as in "is not ...".
        hint: What to write instead.
    """
    return DefinitionError(f"{what}={given!r} is not {wanted}.", hint=hint)


def check_type(given: object, kind: type | tuple[type, ...], what: str, wanted: str, hint: str = "") -> None:
    """Refuse an argument of another type; see :func:`refusal`.

    Raises:
        DefinitionError: If it is of another type.
    """
    if not isinstance(given, kind):
        raise refusal(what, given, wanted, hint)


def check_function(given: object, what: str, wanted: str, hint: str = "") -> None:
    """Refuse what cannot be called; see :func:`refusal`.

    Raises:
        DefinitionError: If it cannot be called.
    """
    if not callable(given):
        raise refusal(what, given, wanted, hint)


def check_name(given: object, what: str) -> None:
    """Refuse a name of which nodes' ids could not be made: ``name#2``, ``each:name[3]``, ``execution/name``.

    Raises:
        DefinitionError: If it is one.
    """
    if not isinstance(given, str) or not given or not given.isprintable() or set(given) & _SEPARATORS:
        raise DefinitionError(f"{what} is a text without spaces, brackets, '/' or '#', not {given!r}.")


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with so many values; of a built-in that does not tell: yes."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def check_count(given: object, what: str, *, least: int, hint: str = "") -> None:
    """Refuse what is no whole number of at least ``least``.

    Raises:
        DefinitionError: If it is none.
    """
    if not is_whole(given) or given < least:
        raise refusal(what, given, f"a whole number of at least {least}", hint)


def is_whole(given: object) -> TypeGuard[int]:
    """Return whether it is a whole number; True and False are none."""
    return isinstance(given, int) and not isinstance(given, bool)


def is_number(given: object) -> TypeGuard[float]:
    """Return whether it is a number; True and False are none."""
    return isinstance(given, (int, float)) and not isinstance(given, bool)


def is_duration(given: object) -> TypeGuard[float | timedelta]:
    """Return whether it is a number, or a timedelta."""
    return is_number(given) or isinstance(given, timedelta)


def in_seconds(duration: float | timedelta) -> float:
    """Return a duration, which may be given either way, in seconds."""
    return duration.total_seconds() if isinstance(duration, timedelta) else duration


def seconds(given: object, what: str) -> float:
    """Return a duration in seconds; refuse what is none, or less than 0.

    Args:
        given: Seconds, or a timedelta.
        what: Its name.

    Raises:
        DefinitionError: If it is none.
    """
    if not is_duration(given) or not in_seconds(given) >= 0:  # NaN is not
        raise DefinitionError(f"{what}={given!r}: give seconds from 0 up, or a timedelta.")
    return in_seconds(given)


def seconds_or_none(given: object, what: str) -> float | None:
    """Return a duration in seconds as :func:`seconds` does; None stays None.

    Raises:
        DefinitionError: If it is neither.
    """
    return None if given is None else seconds(given, what)


def check_seconds(given: object, what: str, *, zero: bool = False) -> None:
    """Refuse what is no number of seconds.

    Args:
        given: What was given.
        what: See :func:`refusal`.
        zero: Whether 0 is one.

    Raises:
        DefinitionError: If it is none.
    """
    if not is_number(given) or not (given > 0 or (zero and given == 0)):  # NaN is neither
        raise refusal(what, given, "a number of seconds from 0 up" if zero else "a number of seconds above 0")


def check_each(given: Iterable[T] | Any, kind: type[T], what: str, wanted: str, hint: str = "") -> tuple[T, ...]:
    """Return all of a list; refuse what is no list, or holds something of another type.

    Raises:
        DefinitionError: If it is none, or does.
    """
    if isinstance(given, (str, kind)) or not isinstance(given, Iterable):
        raise refusal(what, given, f"a list of {wanted}s", hint)
    every = tuple(given)
    for index, each in enumerate(every):
        check_type(each, kind, f"{what}[{index}]", f"a {wanted}", hint)
    return every
