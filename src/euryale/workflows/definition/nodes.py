"""What a plan is made of: one kind of node for each thing that a composer can call."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Literal, Optional, Protocol, TypeAlias, TypeVar

from euryale.workflows.definition.description import describe
from euryale.workflows.definition.expression import Computed, Expression, sources
from euryale.workflows.definition.queue import Queue
from euryale.workflows.errors import DefinitionError

T = TypeVar("T")
CHILD_SEPARATOR: Final = "::"
"""Stands between a parent's id and the node that calls the child, in the child's id: no id that is given has it, and no
workflow's name."""
OnFailure = Literal["wait", "cancel"]
Kind = Literal["step", "child", "emit", "signal", "sleep", "each", "hook", "detach", "parallel", "when"]


class PlanLike(Protocol):
    """A plan as far as the node that calls it is concerned."""

    @property
    def name(self) -> str:
        """The workflow's name."""
        ...

    @property
    def version(self) -> int:
        """The workflow's version."""
        ...


class WorkflowLike(Protocol):
    """A workflow as far as the node that calls it is concerned."""

    @property
    def plan(self) -> Any:
        """Its plan."""
        ...

    @property
    def queue(self) -> Queue | None:
        """Where its executions wait when they are started."""
        ...


class Node(Protocol):
    """A node of a plan."""

    kind: ClassVar[Kind]

    @property
    def id(self) -> str:
        """Its id, unique in the plan."""
        ...

    @property
    def blocks(self) -> "tuple[Block, ...]":
        """The blocks inside of it."""
        ...

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it evaluates; what is inside of it has expressions of its own."""
        ...

    def reads(self) -> frozenset[str]:
        """Return the nodes whose outputs it needs, those inside of it included."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        ...


Block: TypeAlias = tuple[Node, ...]


class _Reading:
    __slots__ = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Nothing is inside of it."""
        return ()

    def reads(self: Node) -> frozenset[str]:
        """Return the nodes whose outputs it needs, those inside of it included."""
        inside = (node.reads() for block in self.blocks for node in block)
        return frozenset().union(*map(sources, self.expressions), *inside)


@dataclass(frozen=True, slots=True)
class StepNode(_Reading):
    """A step with its arguments."""

    kind: ClassVar[Kind] = "step"
    id: str
    step: Any  # a Step; typed loosely because a step knows how to place itself in a plan
    arguments: tuple[tuple[str, Expression], ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return tuple(value for _, value in self.arguments)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        arguments = {name: describe(value) for name, value in self.arguments}
        return {"kind": "step", "id": self.id, "step": self.step.name, "arguments": arguments, **self._exits()}

    def _exits(self) -> dict[str, Any]:
        options = self.step.options
        if options.skip_to:
            return {"skip_to": options.skip_to}
        return {"continue_on_failure": True} if options.continue_on_failure else {}


@dataclass(frozen=True, slots=True)
class CallNode(_Reading):
    """A workflow called inside of a workflow, with its input."""

    kind: ClassVar[Kind]
    id: str
    workflow: WorkflowLike
    input: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return (self.input,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"kind": self.kind, "id": self.id, **_called(self.workflow.plan), "input": describe(self.input)}


@dataclass(frozen=True, slots=True)
class ChildNode(CallNode):
    """A workflow as an execution of its own, awaited, and undone with its parent."""

    kind: ClassVar[Kind] = "child"


@dataclass(frozen=True, slots=True)
class DetachNode(CallNode):
    """A workflow that is started, and neither awaited nor undone."""

    kind: ClassVar[Kind] = "detach"


@dataclass(frozen=True, slots=True)
class EmitNode(_Reading):
    """An event, staged until the outermost execution succeeds."""

    kind: ClassVar[Kind] = "emit"
    id: str
    event: str
    data: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return (self.data,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"kind": "emit", "id": self.id, "event": self.event, "data": describe(self.data)}


@dataclass(frozen=True)  # slots would refuse Signal[...](...) in Python 3.11
class Signal(Generic[T]):
    """Something that an execution can be told from outside, any number of times.

    Attributes:
        name: Its name.
        type: The type of what comes with it.

    Raises:
        DefinitionError: If it has no name.

    Example:
        >>> approved = Signal("approved", bool)
    """

    name: str
    type: type[T]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise DefinitionError(f"A signal has a name, not {self.name!r}.", hint='Write Signal("approved", bool).')


@dataclass(frozen=True, slots=True)
class SignalNode(_Reading):
    """A wait for a signal."""

    kind: ClassVar[Kind] = "signal"
    id: str
    signal: Signal[Any]
    timeout: Expression | None
    default: Expression | None

    @property
    def output_type(self) -> Any:
        """What it gives: what comes with the signal, or None as a default."""
        return self.signal.type if self.default is None else Optional[self.signal.type]  # noqa: UP045 -- at run time

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return tuple(value for value in (self.timeout, self.default) if value is not None)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        timeout = None if self.timeout is None else describe(self.timeout)
        default = None if self.default is None else describe(self.default)
        waited = {"signal": self.signal.name, "timeout": timeout, "default": default}
        return {"kind": "signal", "id": self.id, **waited}


@dataclass(frozen=True, slots=True)
class SleepNode(_Reading):
    """A wait for a time."""

    kind: ClassVar[Kind] = "sleep"
    id: str
    seconds: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return (self.seconds,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"kind": "sleep", "id": self.id, "seconds": describe(self.seconds)}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many items of a ``for_each`` may fail.

    Attributes:
        min_successful: How many must succeed, or None.
        failures: How many may fail: a count, or a share if it is less than 1; None: none, or any number as long as
            ``min_successful`` can be reached.
    """

    min_successful: int | None = None
    failures: float | None = None

    def allows(self, *, failed: int, total: int) -> bool:
        """Return whether so many may have failed."""
        if self.min_successful is not None and total - failed < self.min_successful:
            return False
        if self.failures is None:
            return self.min_successful is not None or not failed
        return failed <= (self.failures * total if 0 < self.failures < 1 else self.failures)


@dataclass(frozen=True, slots=True)
class EachNode(_Reading):
    """A step or a workflow, done for each item."""

    kind: ClassVar[Kind] = "each"
    id: str
    body: Any  # a Step or a Workflow
    items: Expression
    concurrency: int
    tolerance: Tolerance

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return (self.items,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plan = getattr(self.body, "plan", None)
        body = {"step": self.body.name} if plan is None else _called(plan)
        tolerance = [self.tolerance.min_successful, self.tolerance.failures]
        return {"kind": "each", "id": self.id, "items": describe(self.items), "body": body, "tolerance": tolerance}


@dataclass(frozen=True, slots=True)
class HookNode(_Reading):
    """A place at which an application's handlers are called."""

    kind: ClassVar[Kind] = "hook"
    id: str
    hook: Any  # a Hook
    data: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What it is given."""
        return (self.data,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values; its handlers are no part of the plan."""
        return {"kind": "hook", "id": self.id, "hook": self.hook.name, "data": describe(self.data)}


@dataclass(frozen=True, slots=True)
class ParallelNode(_Reading):
    """Branches that run at the same time."""

    kind: ClassVar[Kind] = "parallel"
    id: str
    branches: tuple[Block, ...]
    on_failure: OnFailure

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The branches."""
        return self.branches

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """None: its branches have theirs."""
        return ()

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        branches = [describe_block(branch) for branch in self.branches]
        return {"kind": "parallel", "id": self.id, "on_failure": self.on_failure, "branches": branches}


@dataclass(frozen=True, slots=True)
class ChoiceNode(_Reading):
    """A decision between two blocks."""

    kind: ClassVar[Kind] = "when"
    id: str
    predicate: Computed
    then: Block
    otherwise: Block

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Both sides."""
        return self.then, self.otherwise

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What decides."""
        return (self.predicate,)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        sides = {"then": describe_block(self.then), "otherwise": describe_block(self.otherwise)}
        return {"kind": "when", "id": self.id, "predicate": describe(self.predicate), **sides}


def describe_block(block: Block) -> list[dict[str, Any]]:
    """Return a sequence of nodes as JSON values."""
    return [node.describe() for node in block]


def _called(plan: PlanLike) -> dict[str, Any]:
    return {"workflow": plan.name, "version": plan.version}
