"""Whether two workflows do the same: not the same graph alone, but the same functions in it."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from euryale.workflows.definition.expression import functions
from euryale.workflows.definition.nodes import EachNode, Node, StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step

_Function = Callable[..., Any] | None


def difference(one: Plan, other: Plan) -> str:
    """Return where two plans of one graph have different functions, as in "at step 'pack'"; an empty string if nowhere.

    Functions are those of steps, their compensations, and what ``when`` and ``transform`` were given. One that was made
    again is the same: its module was imported twice, or what defines it was called again.
    """
    for (place, first), (_, second) in zip(_functions(one), _functions(other), strict=True):
        if not _alike(first, second):
            return place
    return ""


def _functions(plan: Plan) -> Iterator[tuple[str, _Function]]:
    """Yield the functions of a plan in their order, each with its place."""
    for node in plan.nodes.values():
        place, step = f"at {node.id!r}", _step_of(node)
        if step is not None:
            place = f"at step {node.id!r}"
            yield place, step.function
            yield place, step.compensation.function if step.compensation else None
        for expression in node.expressions:
            yield from ((place, function) for function in functions(expression))
    yield from (("in the result", function) for function in functions(plan.result))


def _step_of(node: Node) -> Step[..., Any, Any] | None:
    match node:
        case StepNode(step=Step() as step) | EachNode(body=Step() as step):
            return step
        case _:
            return None


def _alike(one: _Function, other: _Function) -> bool:
    if one is other or one is None or other is None:
        return one is other
    return _identity(one) == _identity(other)


def _identity(function: Callable[..., Any]) -> tuple[str, CodeType | None]:
    inner = inspect.unwrap(function)
    return getattr(inner, "__qualname__", type(inner).__qualname__), getattr(inner, "__code__", None)
