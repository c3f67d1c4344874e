"""The same for each of many items, whose number is known only when the workflow runs."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, cast, overload

from euryale.workflows.definition.checks import is_number, is_whole
from euryale.workflows.definition.composer import current_composition
from euryale.workflows.definition.expression import Constant
from euryale.workflows.definition.nodes import ChildNode, EachNode, StepNode, Tolerance
from euryale.workflows.definition.placeholder import caller_location, expression_of
from euryale.workflows.definition.step import Step
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import CompositionError

T = TypeVar("T")
R = TypeVar("R")

_USUAL_CONCURRENCY = 10


@overload
def for_each(items: Sequence[T], body: Step[[T], R, Any] | Workflow[T, R], *, concurrency: int = ...) -> list[R]: ...


@overload
def for_each(
    items: Sequence[T],
    body: Step[[T], R, Any] | Workflow[T, R],
    *,
    concurrency: int = ...,
    min_successful: int | None = ...,
    tolerated_failures: float | None = ...,
) -> list[R | None]: ...


def for_each(
    items: Sequence[Any],
    body: Any,
    *,
    concurrency: int = _USUAL_CONCURRENCY,
    min_successful: int | None = None,
    tolerated_failures: float | None = None,
) -> list[Any]:
    """Do a step or a workflow for each item of a list, several at a time.

    Each item's result is durable on its own: after a crash, those that are done are not done again. If the whole cannot
    succeed, no further item is begun, and those that were are undone.

    Args:
        items: A placeholder of a list or tuple, or one; it may be empty.
        body: A step with one parameter, or a workflow.
        concurrency: How many are under way at a time.
        min_successful: It is done as soon as so many have succeeded: no further item is begun then. Without
            ``tolerated_failures`` any number may fail as long as so many can still succeed. Default: all must succeed.
        tolerated_failures: How many may fail: a count, or a share of all items if it is less than 1. It fails as soon
            as more have. Default: none.

    Returns:
        The results in the order of the items; None for an item that failed or was not begun.

    Raises:
        CompositionError: If the body or a number cannot work.

    Example:
        >>> labels = for_each(order.parcels, print_label, concurrency=4)
    """
    composition = current_composition("for_each(...)")
    given = expression_of(items)
    if isinstance(given, Constant) and (problem := items_problem(given.value)):
        raise CompositionError(f"{caller_location()}: {problem[0]}", hint=problem[1])
    _check_body(body)
    _check_concurrency(concurrency)
    _check_tolerance(min_successful, tolerated_failures)
    node_id = composition.claim_id(f"each:{body.name}")
    tolerance = Tolerance(min_successful, tolerated_failures)
    placed = composition.place(EachNode(node_id, body, given, concurrency, tolerance))
    return cast("list[Any]", placed)


def items_problem(items: object) -> tuple[str, str] | None:
    """Return why these cannot be the items of a ``for_each``, and what to do instead; None if they can."""
    what = f"for_each got {type(items).__name__} for its items."
    match items:
        case str() | bytes():
            return what, "Give it a list of texts: transform(str.splitlines, text), say."
        case AbstractSet():
            return what, "Give it an order that each process sees alike: transform(sorted, items)."
        case Sequence():
            return None
        case Mapping():
            return what, "Give it a list: transform(lambda table: list(table.items()), items)."
        case _:
            return what, "Give it a list: of a number, transform(lambda count: list(range(count)), number)."


def _check_body(body: object) -> None:
    if isinstance(body, Step):
        if len(body.signature.parameters) < 1 or len(body.signature.required) > 1:
            raise CompositionError(
                f"{caller_location()}: for_each needs a step with one parameter, not {body!r}.",
                hint="Make the items of what it needs: for_each(transform(pair, items, other), step).",
            )
    elif not isinstance(body, Workflow):
        raise CompositionError(f"{caller_location()}: for_each cannot do {body!r}.", hint="Pass a step or a workflow.")


def _check_concurrency(concurrency: object) -> None:
    if not is_whole(concurrency) or concurrency < 1:
        raise CompositionError(
            f"{caller_location()}: concurrency={concurrency!r}: at least 1 is under way at a time.",
            hint="Give a whole number.",
        )


def _check_tolerance(min_successful: object, tolerated_failures: object) -> None:
    if min_successful is not None and not (is_whole(min_successful) and min_successful >= 0):
        raise CompositionError(
            f"{caller_location()}: min_successful={min_successful!r} is not a count.", hint="Give a whole number."
        )
    if tolerated_failures is not None and not _is_tolerance(tolerated_failures):
        raise CompositionError(
            f"{caller_location()}: tolerated_failures={tolerated_failures!r} is not a count, nor a share.",
            hint="Give a whole number, or a share of all items between 0 and 1.",
        )


def _is_tolerance(given: object) -> bool:
    return is_number(given) and math.isfinite(given) and given >= 0 and (given < 1 or given % 1 == 0)


def item_node(node: EachNode, index: int, value: Any) -> StepNode | ChildNode:
    """Return the node of one item."""
    node_id = item_id(node, index)
    if isinstance(node.body, Step):
        return StepNode(node_id, node.body, ((node.body.signature.parameters[0], Constant(value)),))
    return ChildNode(node_id, node.body, Constant(value))


def item_id(node: EachNode, index: int) -> str:
    """Return the id of one item's node."""
    return f"{node.id}[{index}]"
