"""Functions that a composer hands over, to be called with values later: what they must not need, and must take."""

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import CellType
from typing import Any, Final

from euryale.workflows.definition.placeholder import Placeholder, Tool, caller_location
from euryale.workflows.errors import CompositionError

_PASSED: Final = {
    "transform": "Pass it as an argument: transform(function, value, ...).",
    "when": "Pass it with the value: when((value, other), lambda both: both[0] > both[1]).",
}
_TAKEN: Final = {
    "transform": "It takes the values in their order: transform(lambda one, two: one + two, first, second).",
    "when": "A predicate takes one value, a tuple of several: when((value, other), lambda both: both[0] > both[1]).",
}


def check_pure(function: Callable[..., Any], what: str, count: int) -> None:
    """Refuse a function that cannot be called with values later.

    Args:
        function: The function.
        what: Who will call it: ``transform`` or ``when``.
        count: How many values it will be given.

    Raises:
        CompositionError: If it is no function, is or calls a step, takes another number of values, or has a placeholder
            in its closure or defaults.
    """
    if isinstance(function, (Placeholder, Tool)) or not callable(function):
        raise CompositionError(
            f"{caller_location()}: {what} takes a plain function, not {function!r}.",
            hint="A step is called in the composer, and its result passed on.",
        )
    _check_captures(function, what)
    _check_count(function, what, count)
    if tool := next(filter(_is_tool, _named_in(function)), None):
        raise CompositionError(
            f"{caller_location()}: the function given to {what} uses {tool!r}, and is called with values, later.",
            hint="Call it in the composer, and pass its result on.",
        )


def _check_captures(function: Callable[..., Any], what: str) -> None:
    """Refuse a function that would see a placeholder instead of the value."""
    cells = _cells(function).values()
    defaults = getattr(function, "__defaults__", None) or ()
    keywords = (getattr(function, "__kwdefaults__", None) or {}).values()
    if any(isinstance(each, Placeholder) for each in (*cells, *defaults, *keywords)):
        raise CompositionError(
            f"{caller_location()}: the function given to {what} uses a placeholder from around it.",
            hint=_PASSED[what],
        )


def _check_count(function: Callable[..., Any], what: str, count: int) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built in, and it does not say
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise CompositionError(
            f"{caller_location()}: the function given to {what} is called with {count}: {error}.", hint=_TAKEN[what]
        ) from error


def _named_in(function: Callable[..., Any]) -> Iterator[object]:
    """Yield what a function's own code names, except where it takes an attribute of it, such as ``step.function``."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    known = {**getattr(function, "__globals__", {}), **_cells(function)}
    for instruction, after in pairwise(dis.get_instructions(code)):
        named = instruction.opname in {"LOAD_GLOBAL", "LOAD_DEREF"}
        if named and after.opname not in {"LOAD_ATTR", "LOAD_METHOD"} and instruction.argval in known:
            yield known[instruction.argval]


def _is_tool(value: object) -> bool:
    return isinstance(value, Tool)


def _cells(function: Callable[..., Any]) -> Mapping[str, object]:
    """Return the variables around a function that it uses, by name."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = getattr(function, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=False) if _is_filled(cell)}


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # the variable is not assigned yet
        return False
