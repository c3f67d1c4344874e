"""Whether two workflows do the same: not the same graph alone, but the same functions behind its steps."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from euryale.workflows.definition.nodes import EachNode, StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step


def other_step(one: Plan, other: Plan) -> str:
    """Return a step behind which the two plans, of one graph, have different functions; an empty string if none.

    A function that was made again is the same: its module was imported twice, or what defines it was called again.
    """
    for (node, first), (_, second) in zip(_steps(one), _steps(other), strict=True):
        if not all(map(_alike, _functions(first), _functions(second))):
            return node
    return ""


def _steps(plan: Plan) -> Iterator[tuple[str, Step[..., Any, Any]]]:
    for node in plan.nodes.values():
        match node:
            case StepNode(step=Step() as step) | EachNode(body=Step() as step):
                yield node.id, step
            case _:
                pass


def _functions(step: Step[..., Any, Any]) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    return step.function, step.compensation.function if step.compensation else None


def _alike(one: Callable[..., Any] | None, other: Callable[..., Any] | None) -> bool:
    if one is other or one is None or other is None:
        return one is other
    return _identity(one) == _identity(other)


def _identity(function: Callable[..., Any]) -> tuple[str, CodeType | None]:
    inner = inspect.unwrap(function)
    return getattr(inner, "__qualname__", type(inner).__qualname__), getattr(inner, "__code__", None)
