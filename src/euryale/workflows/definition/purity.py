"""Functions that a composer hands over, to be called with values later: what they must not need, and must take."""

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from types import CellType, CodeType
from typing import Any, Final

from euryale.workflows.definition.placeholder import Placeholder, Tool, caller_location
from euryale.workflows.errors import CompositionError

_AWAITED: Final = {
    "transform": "Make it a step, and pass its result on.",
    "when": "Ask in a step before, and decide by its result.",
}
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
        CompositionError: If it is no function or a coroutine function, is or calls a step, takes another number of
            values, or has a placeholder in its closure, its defaults or what a ``partial`` binds.
    """
    if isinstance(function, (Placeholder, Tool)) or not callable(function):
        raise CompositionError(
            f"{caller_location()}: {what} takes a plain function, not {function!r}.",
            hint="A step is called in the composer, and its result passed on.",
        )
    if inspect.iscoroutinefunction(function):
        raise CompositionError(
            f"{caller_location()}: {what} takes a plain function, and nothing is awaited there.", hint=_AWAITED[what]
        )
    if any(isinstance(each, Placeholder) for each in _brought(function)):
        raise CompositionError(
            f"{caller_location()}: the function given to {what} uses a placeholder from around it.",
            hint=_PASSED[what],
        )
    _check_count(function, what, count)
    if tool := next(filter(_is_tool, _named_in(function)), None):
        raise CompositionError(
            f"{caller_location()}: the function given to {what} uses {tool!r}, and is called with values, later.",
            hint="Call it in the composer, and pass its result on.",
        )


def _check_count(function: Callable[..., Any], what: str, count: int) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built in, and it does not say
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        values = "1 value" if count == 1 else f"{count} values"
        raise CompositionError(
            f"{caller_location()}: the function given to {what} is called with {values}: {error}.", hint=_TAKEN[what]
        ) from error


def _brought(function: Callable[..., Any]) -> Iterator[object]:
    """Yield what a function has from where it was made: it would see a placeholder there instead of the value."""
    if isinstance(function, partial):
        yield from (*function.args, *function.keywords.values())
        yield from _brought(function.func)
        return
    yield from _cells(function).values()
    yield from getattr(function, "__defaults__", None) or ()
    yield from (getattr(function, "__kwdefaults__", None) or {}).values()


def _named_in(function: Callable[..., Any]) -> Iterator[object]:
    """Yield what a function's own code names, except where it takes an attribute of it, such as ``step.function``."""
    code = getattr(function, "__code__", None)
    if code is not None:
        yield from _loaded(code, getattr(function, "__globals__", {}), _cells(function))


def _loaded(code: CodeType, around: Mapping[str, object], cells: Mapping[str, object]) -> Iterator[object]:
    """Yield what is loaded by some code, and by the functions and comprehensions inside of it.

    Args:
        code: The code.
        around: What its module has.
        cells: The variables of functions around it, by name.
    """
    known = {"LOAD_GLOBAL": around, "LOAD_DEREF": {name: cells[name] for name in code.co_freevars if name in cells}}
    for instruction, after in pairwise(dis.get_instructions(code)):
        values = known.get(instruction.opname, {})
        if instruction.argval in values and after.opname not in {"LOAD_ATTR", "LOAD_METHOD"}:
            yield values[instruction.argval]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _loaded(inner, around, known["LOAD_DEREF"])


def _is_tool(value: object) -> bool:
    return isinstance(value, Tool)


def _cells(function: Callable[..., Any]) -> Mapping[str, object]:
    """Return the variables around a function that it uses, by name."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = getattr(function, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=False) if _is_assigned(cell)}


def _is_assigned(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
