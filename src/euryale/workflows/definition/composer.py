"""Building a plan: what a composer's calls do while it runs, once, at definition time."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast, overload

from euryale.workflows.definition.annotations import Unannotated, can_be, is_record, name_of
from euryale.workflows.definition.checks import in_seconds, is_number
from euryale.workflows.definition.expression import Choice, Computed, Constant, Expression, Output
from euryale.workflows.definition.nodes import (
    ChildNode,
    ChoiceNode,
    DetachNode,
    EmitNode,
    Node,
    Signal,
    SignalNode,
    SleepNode,
    StepNode,
    WorkflowLike,
)
from euryale.workflows.definition.placeholder import (
    HOME,
    Home,
    Placeholder,
    Tool,
    caller_location,
    check_composing,
    expression_of,
    type_of,
)
from euryale.workflows.definition.purity import check_pure
from euryale.workflows.errors import UNSET, CompositionError

T = TypeVar("T")
S = TypeVar("S")
I = TypeVar("I", contravariant=True)  # noqa: E741, PLC0105 -- the input's type


class PlacedStep(Protocol):
    """A step as far as placing it is concerned."""

    name: str
    function: Callable[..., Any]

    @property
    def signature(self) -> Any:
        """What its function takes."""
        ...


class DetachedLike(WorkflowLike, Protocol[I]):
    """A workflow with that input."""

    def __call__(self, value: I, /) -> Any:
        """Place it as a child."""
        ...


@dataclass(eq=False)
class Composition(Home):
    """A plan in the making.

    Attributes:
        block: Where nodes are placed now: the plan's body, a side or a branch.
        ids: The ids of all nodes.
        uses: How often each name was claimed.
        undecided: Decisions of which nobody has said what is done, each with its place.
    """

    block: list[Node] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    uses: dict[str, int] = field(default_factory=dict)
    undecided: dict["When[Any]", str] = field(default_factory=dict)

    def claim_id(self, name: str) -> str:
        """Return ``name``, or ``name#2`` and so on when it is taken."""
        node_id, count = name, self.uses.get(name, 1)
        while node_id in self.ids:
            count += 1
            node_id = f"{name}#{count}"
        self.uses[name] = count
        self.ids.add(node_id)
        return node_id

    def place(self, node: Node, output_type: Any = Any) -> Placeholder:
        """Append a node and return the placeholder for its output."""
        self.block.append(node)
        return Placeholder(Output(node.id), output_type)

    def check_decided(self) -> None:
        """Refuse decisions of which nobody has said what is done.

        Raises:
            CompositionError: If there is one.
        """
        for decision, where in self.undecided.items():
            raise CompositionError(f"{where}: {decision!r} decides nothing.", hint=decision.instead)

    @contextmanager
    def inside(self) -> Iterator[list[Node]]:
        """Compose into a block of its own."""
        outer, self.block = self.block, []
        try:
            yield self.block
        finally:
            self.block = outer


@contextmanager
def composing(workflow: str) -> Iterator[Composition]:
    """Make a composition the current one."""
    token = HOME.set(composition := Composition(workflow))
    try:
        yield composition
    finally:
        HOME.reset(token)


def current_composition(what: str) -> Composition:
    """Return the composition that is under way; ``what`` needs one.

    Raises:
        CompositionError: If none is.
    """
    composition = HOME.get()
    if not isinstance(composition, Composition):
        raise CompositionError(
            f"{caller_location()}: {what} outside of a workflow's composer.",
            hint="Call it inside a function decorated with @workflow; a step's own function is step.function.",
        )
    return composition


def place_step(step: PlacedStep, args: tuple[object, ...], kwargs: dict[str, object]) -> Placeholder:
    """Place a step with its arguments; see ``Step.__call__``."""
    composition = current_composition(f"step {step.name!r} called")
    arguments = _bind(step, args, kwargs)
    node_id = composition.claim_id(step.name)
    return composition.place(StepNode(node_id, step, tuple(arguments.items())), step.signature.output_type)


def _bind(step: PlacedStep, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, Expression]:
    where = caller_location()
    try:
        bound = inspect.signature(step.function).bind_partial(*args, **kwargs).arguments
    except TypeError as error:
        raise CompositionError(f"{where}: step {step.name!r}: {error}.") from error
    given = [name for name, _ in step.signature.injected if name in bound]
    if given:
        raise CompositionError(
            f"{where}: step {step.name!r} is given {', '.join(given)}, which the engine provides.", hint="Leave it out."
        )
    missing = [name for name in step.signature.parameters if name in step.signature.required - bound.keys()]
    if missing:
        raise CompositionError(f"{where}: step {step.name!r} is called without {', '.join(missing)}.")
    for name, value in bound.items():
        if name in step.signature.types and value is not step.signature.defaults.get(name, UNSET):
            check_fits(f"step {step.name!r} takes {{}} as {name!r}", value, step.signature.types[name])
    return {name: expression_of(value) for name, value in bound.items()}


def check_fits(says: str, value: object, wanted: Any) -> None:
    """Refuse a literal that is of another type, and an input that comes as JSON values where a record is wanted.

    Args:
        says: Where it was given, with ``{}`` for the type.
        value: What was given.
        wanted: The annotation.

    Raises:
        CompositionError: If it can never be of that type.
    """
    if isinstance(value, Placeholder):
        if type_of(value) is Unannotated and is_record(wanted):
            raise CompositionError(
                f"{caller_location()}: {says.format(name_of(wanted))}; the composer's input has no annotation, so it "
                "comes as plain JSON values.",
                hint=f"Annotate the composer's parameter with {name_of(wanted)}.",
            )
    elif not can_be(value, wanted):
        raise CompositionError(f"{caller_location()}: {says.format(name_of(wanted))}, not {value!r}.")


def place_child(workflow: WorkflowLike, value: object) -> Placeholder:
    """Place a workflow inside of another; see ``Workflow.__call__``."""
    name = workflow.plan.name
    composition = current_composition(f"workflow {name!r} called")
    _check_input(workflow, value)
    node = ChildNode(composition.claim_id(name), workflow, expression_of(value))
    return composition.place(node, workflow.plan.output_type)


def _check_input(workflow: WorkflowLike, value: object) -> None:
    """Refuse what cannot be the input of a workflow that is called."""
    name, wanted = workflow.plan.name, workflow.plan.input_type
    if wanted is None and value is not None:
        raise CompositionError(
            f"{caller_location()}: workflow {name!r} takes no input, and is given {value!r}.",
            hint="Leave it out, or give the composer a parameter.",
        )
    check_fits(f"workflow {name!r} takes {{}}", value, wanted)


def detach(workflow: "DetachedLike[I]", value: I) -> str:
    """Start a workflow that is neither awaited nor undone: an execution of its own, whatever becomes of this one.

    Args:
        workflow: What to start.
        value: Its input.

    Returns:
        The id of its execution.

    Raises:
        CompositionError: If it is no workflow, does not take that input, or this is called outside of a composer.
    """
    composition = current_composition("detach(...)")
    if not hasattr(workflow, "plan"):
        raise CompositionError(f"{caller_location()}: detach takes a workflow and its input, not {workflow!r}.")
    _check_input(workflow, value)
    node_id = composition.claim_id(f"detach:{workflow.plan.name}")
    return cast("str", composition.place(DetachNode(node_id, workflow, expression_of(value))))


def emit(event: str, data: object = None) -> None:
    """Stage an event: released exactly once when the outermost execution succeeds, dropped when it is undone.

    Args:
        event: Its name, such as ``project.created``.
        data: What it carries; may hold placeholders.

    Raises:
        CompositionError: If it has no name, or is called outside of a composer.
    """
    if not isinstance(event, str) or not event:
        raise CompositionError(
            f"{caller_location()}: emit takes the name of an event, not {event!r}.",
            hint='Name it, and pass what it carries after that: emit("order.placed", order).',
        )
    composition = current_composition(f"emit({event!r})")
    composition.place(EmitNode(composition.claim_id(f"emit:{event}"), event, expression_of(data)))


def sleep(duration: float | timedelta) -> None:
    """Wait, durably: for seconds or for months, in no process's memory.

    Args:
        duration: Seconds, or a timedelta; may be a placeholder of seconds.
    """
    composition = current_composition("sleep(...)")
    composition.place(SleepNode(composition.claim_id("sleep"), _seconds("sleep", duration)))


@overload
def wait_for(signal: Signal[T], *, timeout: float | timedelta | None = ...) -> T: ...


@overload
def wait_for(signal: Signal[T], *, timeout: float | timedelta, default: T) -> T: ...


@overload
def wait_for(signal: Signal[T], *, timeout: float | timedelta, default: None) -> T | None: ...


def wait_for(signal: Signal[T], *, timeout: float | timedelta | None = None, default: object = UNSET) -> T | None:
    """Wait until the execution is told something: by ``engine.signal(id, signal, value)``.

    It does not matter whether the signal is sent before, while or after the execution waits; each one is taken once, in
    the order in which they were sent.

    Args:
        signal: What to wait for.
        timeout: Seconds, or a timedelta, after which it waits no longer: it fails then, unless there is a default. May
            be a placeholder of seconds. Default: no limit.
        default: What it is given if the signal does not come in time: None, or a value of the signal's type. May hold
            placeholders.

    Returns:
        What came with the signal.

    Raises:
        CompositionError: If it is given no :class:`Signal`, or a default that nothing would ever call for, or that is
            of another type than the signal.
    """
    composition = current_composition("wait_for(...)")
    if not isinstance(signal, Signal):
        raise CompositionError(
            f"{caller_location()}: wait_for takes a signal, not {signal!r}.",
            hint='Make one beside the workflow: approved = Signal("approved", bool).',
        )
    if timeout is None and default is not UNSET:
        raise CompositionError(
            f"{caller_location()}: wait_for({signal.name!r}) has a default and no timeout.",
            hint="Say after how long it is taken: timeout=seconds.",
        )
    if default is not UNSET and default is not None:
        check_fits(f"wait_for({signal.name!r}) takes {{}} as its default", default, signal.type)
    limit = None if timeout is None else _seconds("wait_for", timeout)
    instead = None if default is UNSET else expression_of(default)
    node_id = composition.claim_id(f"signal:{signal.name}")
    return cast("T", composition.place(SignalNode(node_id, signal, limit, instead), signal.type))


def _seconds(what: str, duration: float | timedelta) -> Expression:
    expression = expression_of(in_seconds(duration))
    if isinstance(expression, Constant) and not (is_number(expression.value) and expression.value >= 0):  # NaN is not
        raise CompositionError(
            f"{caller_location()}: {what} takes seconds from 0 up, a timedelta or a placeholder, not {duration!r}."
        )
    return expression


def transform(function: Callable[..., T], *values: object) -> T:
    """Compute a value from others when the workflow runs.

    ``function`` is pure and quick: it is called each time the value is needed, and its result is not journaled.

    Args:
        function: Takes the values, in order; not a coroutine function.
        values: What it is given; may hold placeholders.

    Raises:
        CompositionError: If ``function`` is no function or a coroutine function, is or calls a step, takes another
            number of values, or uses a placeholder that is not passed to it.
    """
    check_pure(function, "transform", len(values))
    current_composition("transform(...)")
    return cast("T", Placeholder(Computed(function, tuple(map(expression_of, values)))))


class When(Tool, Generic[T]):
    """A decision; made by :func:`when`."""

    instead: ClassVar[str] = "Say what is done then: when(value, predicate).then(...).otherwise(...)."

    def __init__(self, predicate: Computed) -> None:
        self._predicate = predicate

    def __repr__(self) -> str:
        return "when(...)"

    def then(self, compose: Callable[[], S]) -> "Then[S]":
        """Compose what is done if the predicate holds.

        Args:
            compose: Called once, now; the steps it calls belong to this side.
        """
        composition = current_composition("when(...).then(...)")
        check_composing(compose, "then")
        composition.undecided.pop(self, None)
        node_id = composition.claim_id("when")
        with composition.inside() as block:
            value = compose()
        node = ChoiceNode(node_id, self._predicate, tuple(block), ())
        composition.place(node)
        return Then(composition, node, expression_of(value))


class Then(Tool, Generic[S]):
    """A decision with its first side; made by :meth:`When.then`."""

    instead: ClassVar[str] = "Add .otherwise(...), or take .result: None when the side was not taken."

    def __init__(self, composition: Composition, node: ChoiceNode, value: Expression) -> None:
        self._composition = composition
        self._node = node
        self._value = value

    def __repr__(self) -> str:
        return "when(...).then(...)"

    @property
    def result(self) -> S | None:
        """What the side gave; None when it was not taken."""
        return cast("S | None", Placeholder(Choice(self._node.id, self._value, expression_of(None))))

    def otherwise(self, compose: Callable[[], T]) -> S | T:
        """Compose what is done if the predicate does not hold; return the value of the side that was taken."""
        block = self._composition.block
        check_composing(compose, "otherwise")
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
        CompositionError: If the predicate is no function or a coroutine function, is or calls a step, takes another
            number of values than one, or uses a placeholder that is not passed to it; and at the end of the composer if
            there is no ``then``.

    Example:
        >>> receipt = when(order, lambda order: order.paid).then(lambda: ship(order)).otherwise(lambda: hold(order))
    """
    check_pure(predicate, "when", 1)
    decision: When[T] = When(Computed(predicate, (expression_of(value),)))
    current_composition("when(...)").undecided[decision] = caller_location()
    return decision
