"""Branches that run at the same time: which calls belong to which of them, and that none needs another's output."""

from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args, overload

from euryale.workflows.definition.composer import Composition, current_composition
from euryale.workflows.definition.expression import Output
from euryale.workflows.definition.nodes import (
    Block,
    OnFailure,
    ParallelNode,
)
from euryale.workflows.definition.placeholder import Placeholder, caller_location, expression_of
from euryale.workflows.errors import CompositionError

T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")

# A type checker cannot tell ``T`` from ``Callable[[], T]`` in one union, so that each mixture of calls and functions is
# spelled out for two and three branches; with more of them, all are calls or all are functions, or the values are Any.


@overload
def parallelize(a: Callable[[], T1], b: Callable[[], T2], /, *, on_failure: OnFailure = ...) -> tuple[T1, T2]: ...


@overload
def parallelize(a: Callable[[], T1], b: T2, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2]: ...


@overload
def parallelize(a: T1, b: Callable[[], T2], /, *, on_failure: OnFailure = ...) -> tuple[T1, T2]: ...


@overload
def parallelize(a: T1, b: T2, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2]: ...


@overload
def parallelize(
    a: Callable[[], T1], b: Callable[[], T2], c: Callable[[], T3], /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(
    a: Callable[[], T1], b: Callable[[], T2], c: T3, /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(
    a: Callable[[], T1], b: T2, c: Callable[[], T3], /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(a: Callable[[], T1], b: T2, c: T3, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(
    a: T1, b: Callable[[], T2], c: Callable[[], T3], /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(a: T1, b: Callable[[], T2], c: T3, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(a: T1, b: T2, c: Callable[[], T3], /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(a: T1, b: T2, c: T3, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(
    a: Callable[[], T1],
    b: Callable[[], T2],
    c: Callable[[], T3],
    d: Callable[[], T4],
    /,
    *,
    on_failure: OnFailure = ...,
) -> tuple[T1, T2, T3, T4]: ...


@overload
def parallelize(a: T1, b: T2, c: T3, d: T4, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3, T4]: ...


@overload
def parallelize(
    a: Callable[[], T1],
    b: Callable[[], T2],
    c: Callable[[], T3],
    d: Callable[[], T4],
    e: Callable[[], T5],
    /,
    *,
    on_failure: OnFailure = ...,
) -> tuple[T1, T2, T3, T4, T5]: ...


@overload
def parallelize(a: T1, b: T2, c: T3, d: T4, e: T5, /, *, on_failure: OnFailure = ...) -> tuple[T1, T2, T3, T4, T5]: ...


@overload
def parallelize(*branches: Any, on_failure: OnFailure = ...) -> tuple[Any, ...]: ...


def parallelize(*branches: Any, on_failure: OnFailure = "wait") -> tuple[Any, ...]:
    """Run branches at the same time and go on when all of them are done.

    Args:
        branches: Calls of steps or workflows, such as ``create_database(project)``, or functions without parameters
            that compose a whole sequence. A branch may hold another ``parallelize``. Of a call inside a call, such as
            ``b(a(x))``, the inner one belongs to the branch too, except in the first argument, where it is done before
            the group: it cannot be told from a call made before. Write ``lambda: b(a(x))`` there.
        on_failure: When a branch fails for good: ``wait`` lets the steps that run in the others finish, ``cancel``
            interrupts them. Either way nothing new starts, and everything that ran is undone.

    Returns:
        The branches' values, in the order of the arguments.

    Raises:
        CompositionError: If an argument is neither, was used before, or needs another branch's output.
    """
    composition = current_composition("parallelize(...)")
    if on_failure not in get_args(OnFailure):
        raise CompositionError(f"{caller_location()}: on_failure={on_failure!r}: it is 'wait' or 'cancel'.")
    if not branches:
        return ()
    node_id = composition.claim_id("parallel")
    calls = _take_calls(composition, [each for each in branches if isinstance(each, Placeholder)])
    blocks: list[Block] = []
    values: list[Any] = []
    for branch in branches:
        block, value = _compose_branch(composition, branch, calls)
        blocks.append(block)
        values.append(value)
    _check_independent(blocks)
    composition.place(ParallelNode(node_id, tuple(blocks), on_failure))
    return tuple(values)


def _take_calls(composition: Composition, placeholders: list[Placeholder]) -> dict[str, Block]:
    """Take the nodes that were placed while the arguments were evaluated out of the current block.

    Arguments are evaluated from left to right: what was placed between two of them belongs to the second.
    """
    positions = {node.id: index for index, node in enumerate(composition.block)}
    wanted: list[tuple[int, str]] = []
    for placeholder in placeholders:
        expression = expression_of(placeholder)
        node = expression.node if isinstance(expression, Output) else None
        if node is None or node not in positions or any(node == taken for _, taken in wanted):
            raise CompositionError(
                f"{caller_location()}: parallelize takes calls of steps or workflows made for it, not {placeholder!r}.",
                hint="Pass a call such as create(project), or a function that composes a sequence.",
            )
        wanted.append((positions[node], node))
    wanted.sort()
    calls: dict[str, Block] = {}
    start = wanted[0][0] if wanted else len(composition.block)
    previous = start
    for position, node in wanted:
        calls[node] = tuple(composition.block[previous : position + 1])
        previous = position + 1
    if previous != len(composition.block):
        raise CompositionError(
            f"{caller_location()}: {composition.block[-1].id!r} was called after the calls that run in parallel.",
            hint="Pass the calls to parallelize directly.",
        )
    del composition.block[start:]
    return calls


def _compose_branch(composition: Composition, branch: Any, calls: dict[str, Block]) -> tuple[Block, Any]:
    if isinstance(branch, Placeholder):
        expression = expression_of(branch)
        return calls[cast("Output", expression).node], branch
    if not callable(branch):
        raise CompositionError(f"{caller_location()}: parallelize cannot run {branch!r}.", hint="Pass calls of steps.")
    with composition.inside() as block:
        value = branch()
    return tuple(block), value


def _check_independent(blocks: list[Block]) -> None:
    made = [{node.id for node in block} for block in blocks]
    for index, block in enumerate(blocks):
        others = set().union(*(ids for other, ids in enumerate(made) if other != index))
        for node in block:
            needed = node.reads() & others
            if needed:
                raise CompositionError(
                    f"{caller_location()}: {node.id!r} needs the output of {', '.join(sorted(needed))}, "
                    "which runs beside it.",
                    hint="Put them one after the other in one branch.",
                )
