"""The plan: what a composer made. An immutable tree, known before anything runs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

from euryale.workflows.definition.expression import (
    Attribute,
    Choice,
    Computed,
    Constant,
    Expression,
    Item,
    Output,
    Record,
    Sequence,
    Table,
    record_fields,
)
from euryale.workflows.definition.graph import Graph

OnFailure = Literal["wait", "cancel"]


class StepLike(Protocol):
    """A step as far as a plan is concerned."""

    name: str


class WorkflowLike(Protocol):
    """A workflow as far as a plan is concerned."""

    @property
    def plan(self) -> "Plan":
        """Its plan."""
        ...


@dataclass(frozen=True, slots=True)
class StepNode:
    """A step with its arguments."""

    id: str
    step: Any  # a Step; typed loosely because a step knows how to place itself in a plan
    arguments: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class ChildNode:
    """A workflow called inside of a workflow: an execution of its own, awaited, undone with its parent."""

    id: str
    workflow: WorkflowLike
    input: Expression


@dataclass(frozen=True, slots=True)
class EmitNode:
    """An event, staged until the outermost execution succeeds."""

    id: str
    event: str
    data: Expression


@dataclass(frozen=True, slots=True)
class ParallelNode:
    """Branches that run at the same time."""

    id: str
    branches: tuple["Block", ...]
    on_failure: OnFailure


@dataclass(frozen=True, slots=True)
class ChoiceNode:
    """A decision between two blocks."""

    id: str
    predicate: Computed
    then: "Block"
    otherwise: "Block"


Node: TypeAlias = StepNode | ChildNode | EmitNode | ParallelNode | ChoiceNode
Block: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True)
class Plan:
    """A workflow's structure.

    Attributes:
        name: The workflow's name.
        version: Its version, a positive number that its author counts up.
        body: What it does, in order.
        result: What it returns.
        input_type: What it is given.
        output_type: What it returns, as annotated.
        timeout: Seconds that an execution may take before it is undone; None: no limit.
        retention: Seconds for which a finished execution is kept; None: for ever.
        title: The first line of the composer's docstring.
    """

    name: str
    version: int
    body: Block
    result: Expression
    input_type: Any
    output_type: Any
    timeout: float | None = None
    retention: float | None = None
    title: str = ""

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by id, in composition order."""
        return {node.id: node for node in _walk(self.body)}

    @cached_property
    def graph(self) -> Graph:
        """The plan as the graph that an execution follows."""
        return Graph.of(self.body)

    @cached_property
    def hash(self) -> str:
        """A fingerprint of the structure: 16 hex digits. An execution goes on only under the plan it began with."""
        text = json.dumps(self.describe(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def describe(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "body": _describe_block(self.body),
            "result": _describe(self.result),
        }


def _walk(block: Block) -> Iterator[Node]:
    for node in block:
        yield node
        match node:
            case ParallelNode(branches=branches):
                for branch in branches:
                    yield from _walk(branch)
            case ChoiceNode(then=then, otherwise=otherwise):
                yield from _walk(then)
                yield from _walk(otherwise)
            case _:
                pass


def _describe_block(block: Block) -> list[dict[str, Any]]:
    return [_describe_node(node) for node in block]


def _describe_node(node: Node) -> dict[str, Any]:
    match node:
        case StepNode():
            arguments = {name: _describe(value) for name, value in node.arguments}
            return {"kind": "step", "id": node.id, "step": node.step.name, "arguments": arguments}
        case ChildNode():
            child = node.workflow.plan
            called = {"workflow": child.name, "version": child.version}
            return {"kind": "child", "id": node.id, **called, "input": _describe(node.input)}
        case EmitNode():
            return {"kind": "emit", "id": node.id, "event": node.event, "data": _describe(node.data)}
        case ParallelNode():
            branches = [_describe_block(branch) for branch in node.branches]
            return {"kind": "parallel", "id": node.id, "on_failure": node.on_failure, "branches": branches}
        case ChoiceNode():
            sides = {"then": _describe_block(node.then), "otherwise": _describe_block(node.otherwise)}
            return {"kind": "when", "id": node.id, "predicate": _describe(node.predicate), **sides}


def _describe(expression: Expression) -> Any:  # noqa: PLR0911 -- one line for each kind of expression
    match expression:
        case Output(node):
            return f"${node}"
        case Attribute(source, name):
            return f"{_describe(source)}.{name}"
        case Item(source, key):
            return f"{_describe(source)}[{key!r}]"
        case Computed(function, arguments):
            name = getattr(function, "__qualname__", type(function).__name__)
            return {"function": name, "arguments": [_describe(each) for each in arguments]}
        case Choice(node, then, otherwise):
            return {"when": node, "then": _describe(then), "otherwise": _describe(otherwise)}
        case Sequence(_, items):
            return [_describe(each) for each in items]
        case Table(items) | Record(_, items):
            return {str(key): _describe(value) for key, value in items}
        case Constant(value):
            return _describe_constant(value)
        case _:
            return type(expression).__name__


def _describe_constant(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"constant": value}
    if isinstance(value, (list, tuple)):
        return [_describe_constant(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _describe_constant(each) for key, each in value.items()}
    names = record_fields(value)
    if names is not None:
        return {name: _describe_constant(getattr(value, name)) for name in names}
    return {"constant": type(value).__qualname__}
