"""Building a plan: what a composer's calls do while it runs, once, at definition time."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from euryale.workflows.definition.expression import Choice, Computed, Expression, Output, sources
from euryale.workflows.definition.placeholder import Placeholder, caller_location, check_captures, expression_of
from euryale.workflows.definition.plan import (
    Block,
    ChildNode,
    ChoiceNode,
    EmitNode,
    Node,
    OnFailure,
    ParallelNode,
    StepNode,
    WorkflowLike,
)
from euryale.workflows.errors import CompositionError

T = TypeVar("T")
S = TypeVar("S")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


class PlacedStep(Protocol):
    """A step as far as placing it is concerned."""

    name: str
    function: Callable[..., Any]

    @property
    def signature(self) -> Any:
        """What its function takes."""
        ...


@dataclass
class Composition:
    """A plan in the making."""

    workflow: str
    block: list[Node] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def claim_id(self, name: str) -> str:
        """Return ``name``, or ``name#2`` and so on when it is taken."""
        node_id, count = name, 1
        while node_id in self.ids:
            count += 1
            node_id = f"{name}#{count}"
        self.ids.add(node_id)
        return node_id

    def place(self, node: Node) -> Placeholder:
        """Append a node and return the placeholder for its output."""
        self.block.append(node)
        return Placeholder(Output(node.id))

    @contextmanager
    def inside(self) -> Iterator[list[Node]]:
        """Compose into a block of its own."""
        outer, self.block = self.block, []
        try:
            yield self.block
        finally:
            self.block = outer


_current: ContextVar[Composition | None] = ContextVar("composition", default=None)


@contextmanager
def composing(workflow: str) -> Iterator[Composition]:
    """Make a composition the current one."""
    token = _current.set(composition := Composition(workflow))
    try:
        yield composition
    finally:
        _current.reset(token)


def _composition(what: str) -> Composition:
    composition = _current.get()
    if composition is None:
        raise CompositionError(
            f"{caller_location()}: {what} outside of a workflow's composer.",
            hint="Call it inside a function decorated with @workflow; a step's own function is step.function.",
        )
    return composition


def place_step(step: PlacedStep, args: tuple[object, ...], kwargs: dict[str, object]) -> Placeholder:
    """Place a step with its arguments; see ``Step.__call__``."""
    composition = _composition(f"step {step.name!r} called")
    arguments = _bind(step, args, kwargs)
    node_id = composition.claim_id(step.name)
    return composition.place(StepNode(node_id, step, tuple(arguments.items())))


def _bind(step: PlacedStep, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, Expression]:
    where = caller_location()
    try:
        bound = inspect.signature(step.function).bind_partial(*args, **kwargs).arguments
    except TypeError as error:
        raise CompositionError(f"{where}: step {step.name!r}: {error}.") from error
    missing = [name for name in step.signature.parameters if name in step.signature.required - bound.keys()]
    if missing:
        raise CompositionError(f"{where}: step {step.name!r} is called without {', '.join(missing)}.")
    return {name: expression_of(value) for name, value in bound.items()}


def place_child(workflow: WorkflowLike, value: object) -> Placeholder:
    """Place a workflow inside of another; see ``Workflow.__call__``."""
    name = workflow.plan.name
    composition = _composition(f"workflow {name!r} called")
    return composition.place(ChildNode(composition.claim_id(name), workflow, expression_of(value)))


def emit(event: str, data: object = None) -> None:
    """Stage an event: released exactly once when the outermost execution succeeds, dropped when it is undone.

    Args:
        event: Its name, such as ``project.created``.
        data: What it carries; may hold placeholders.
    """
    composition = _composition(f"emit({event!r})")
    composition.place(EmitNode(composition.claim_id(f"emit:{event}"), event, expression_of(data)))


def transform(function: Callable[..., T], *values: object) -> T:
    """Compute a value from others when the workflow runs.

    ``function`` is pure and quick: it is called each time the value is needed, and its result is not journaled.

    Args:
        function: Takes the values, in order; not a coroutine function.
        values: What it is given; may hold placeholders.

    Raises:
        CompositionError: If ``function`` is a coroutine function, or uses a placeholder that is not passed to it.
    """
    if inspect.iscoroutinefunction(function):
        raise CompositionError(f"{caller_location()}: transform takes a plain function.", hint="Make it a step.")
    check_captures(function, "transform")
    return cast("T", Placeholder(Computed(function, tuple(map(expression_of, values)))))


class When(Generic[T]):
    """A decision; made by :func:`when`."""

    def __init__(self, predicate: Computed) -> None:
        self._predicate = predicate

    def then(self, compose: Callable[[], S]) -> "Then[S]":
        """Compose what is done if the predicate holds.

        Args:
            compose: Called once, now; the steps it calls belong to this side.
        """
        composition = _composition("when(...).then(...)")
        node_id = composition.claim_id("when")
        with composition.inside() as block:
            value = compose()
        node = ChoiceNode(node_id, self._predicate, tuple(block), ())
        composition.place(node)
        return Then(composition, node, expression_of(value))


class Then(Generic[S]):
    """A decision with its first side; made by :meth:`When.then`."""

    def __init__(self, composition: Composition, node: ChoiceNode, value: Expression) -> None:
        self._composition = composition
        self._node = node
        self._value = value

    @property
    def result(self) -> S | None:
        """What the side gave; None when it was not taken."""
        return cast("S | None", Placeholder(Choice(self._node.id, self._value, expression_of(None))))

    def otherwise(self, compose: Callable[[], T]) -> S | T:
        """Compose what is done if the predicate does not hold; return the value of the side that was taken."""
        block = self._composition.block
        if not block or block[-1] is not self._node:
            raise CompositionError(f"{caller_location()}: otherwise(...) must follow its then(...) directly.")
        with self._composition.inside() as other:
            value = compose()
        block[-1] = ChoiceNode(self._node.id, self._node.predicate, self._node.then, tuple(other))
        return cast("S | T", Placeholder(Choice(self._node.id, self._value, expression_of(value))))


def when(value: T, predicate: Callable[[T], bool]) -> When[T]:
    """Decide by a value that exists only when the workflow runs.

    Args:
        value: What to look at: a placeholder, or a tuple or dict of some.
        predicate: Pure and quick; its answer is journaled.

    Raises:
        CompositionError: If the predicate is a coroutine function, or uses a placeholder that is not passed to it.

    Example:
        >>> receipt = when(order, lambda order: order.paid).then(lambda: ship(order)).otherwise(lambda: hold(order))
    """
    if inspect.iscoroutinefunction(predicate):
        raise CompositionError(f"{caller_location()}: when takes a plain predicate.", hint="Ask in a step before.")
    check_captures(predicate, "when")
    return When(Computed(predicate, (expression_of(value),)))


@overload
def parallelize(
    a: T1 | Callable[[], T1], b: T2 | Callable[[], T2], /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2]: ...


@overload
def parallelize(
    a: T1 | Callable[[], T1], b: T2 | Callable[[], T2], c: T3 | Callable[[], T3], /, *, on_failure: OnFailure = ...
) -> tuple[T1, T2, T3]: ...


@overload
def parallelize(
    a: T1 | Callable[[], T1],
    b: T2 | Callable[[], T2],
    c: T3 | Callable[[], T3],
    d: T4 | Callable[[], T4],
    /,
    *,
    on_failure: OnFailure = ...,
) -> tuple[T1, T2, T3, T4]: ...


@overload
def parallelize(
    a: T1 | Callable[[], T1],
    b: T2 | Callable[[], T2],
    c: T3 | Callable[[], T3],
    d: T4 | Callable[[], T4],
    e: T5 | Callable[[], T5],
    /,
    *,
    on_failure: OnFailure = ...,
) -> tuple[T1, T2, T3, T4, T5]: ...


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
    composition = _composition("parallelize(...)")
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
            needed = _reads(node) & others
            if needed:
                raise CompositionError(
                    f"{caller_location()}: {node.id!r} needs the output of {', '.join(sorted(needed))}, "
                    "which runs beside it.",
                    hint="Put them one after the other in one branch.",
                )


def _reads(node: Node) -> frozenset[str]:
    match node:
        case StepNode(arguments=arguments):
            return frozenset().union(*(sources(value) for _, value in arguments))
        case ChildNode(input=value) | EmitNode(data=value):
            return sources(value)
        case ParallelNode(branches=branches):
            return frozenset().union(*(_reads(each) for branch in branches for each in branch))
        case ChoiceNode(predicate=predicate, then=then, otherwise=otherwise):
            return sources(predicate) | frozenset().union(*map(_reads, then + otherwise))
