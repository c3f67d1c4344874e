"""A plan as shapes: what is drawn of it, before it is known where."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from euryale.workflows.definition.nodes import (
    Block,
    CallNode,
    ChoiceNode,
    EachNode,
    HookNode,
    Node,
    ParallelNode,
    SleepNode,
    StepNode,
)
from euryale.workflows.drawing.states import NodeState

States = Mapping[str, NodeState]
"""States by node; a for_each's items have ids of their own."""

_KINDS: Final[Mapping[str, str]] = {
    "step": "step",
    "child": "child workflow",
    "detach": "detached workflow",
    "emit": "event",
    "signal": "waits for a signal",
    "sleep": "sleeps",
    "each": "for each",
    "hook": "hook",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A node with nothing inside of it.

    Attributes:
        id: The node.
        name: What it is called.
        kind: What it is, in words.
        state: Where it stands; None in a plan without an execution.
        stacked: Whether it stands for many.
        skips_to: The node at which the workflow goes on if it fails, or an empty string.
    """

    id: str
    name: str
    kind: str
    state: NodeState | None
    stacked: bool = False
    skips_to: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """Branches beside each other: all of them are taken, or at a choice one.

    Attributes:
        id: The node.
        name: What it asks; empty for a parallel group.
        state: Where it stands; None in a plan without an execution.
        branches: What is inside.
        labels: What the branches are called; empty for a parallel group.
    """

    id: str
    name: str
    state: NodeState | None
    branches: tuple["Run", ...]
    labels: tuple[str, ...] = ()


Shape = Box | Split
Run = tuple[Shape, ...]
"""What is done one after the other."""


def shapes_of(block: Block, states: States | None) -> Run:
    """Return a sequence of nodes as shapes."""
    return tuple(_shape(node, states) for node in block)


def _shape(node: Node, states: States | None) -> Shape:
    state = None if states is None else states.get(node.id, NodeState.PENDING)
    match node:
        case ParallelNode():
            return Split(node.id, "", state, tuple(shapes_of(branch, states) for branch in node.branches))
        case ChoiceNode():
            sides = (shapes_of(node.then, states), shapes_of(node.otherwise, states))
            return Split(node.id, _question(node), state, sides, ("then", "otherwise"))
        case _:
            counted = _counted(node.id, states) if isinstance(node, (EachNode, HookNode)) else ""
            return Box(
                id=node.id,
                name=_name(node),
                kind=" · ".join(each for each in (_KINDS.get(node.kind, node.kind), counted or _detail(node)) if each),
                state=state,
                stacked=isinstance(node, EachNode),
                skips_to=node.step.options.skip_to or "" if isinstance(node, StepNode) else "",
            )


def _question(node: ChoiceNode) -> str:
    name = getattr(node.predicate.function, "__name__", "")
    return "when" if not name or name == "<lambda>" else f"{name}?"


def _name(node: Node) -> str:
    """Return what a person calls a node: its id, without what says of which kind it is."""
    return node.id.removeprefix(f"{node.kind}:") if node.id != node.kind else node.kind


def _detail(node: Any) -> str:
    match node:
        case StepNode() if node.step.options.continue_on_failure:
            return "may fail"
        case StepNode() if node.step.options.completes == "externally":
            return "completed from outside"
        case EachNode():
            return f"{node.concurrency} at a time"
        case CallNode():
            return f"version {node.workflow.plan.version}"
        case SleepNode():
            value = getattr(node.seconds, "value", None)
            return f"{value:g} s" if isinstance(value, (int, float)) else ""
        case _:
            return ""


def _counted(node: str, states: States | None) -> str:
    """Return how many of the parts of a node stand where."""
    counts = Counter(state for each, state in (states or {}).items() if each.startswith(f"{node}["))
    return ", ".join(f"{count} {state.words}" for state, count in counts.items())


def boxes_of(run: Run) -> list[Box]:
    """Return all boxes, in composition order."""
    found: list[Box] = []
    for shape in run:
        match shape:
            case Box():
                found.append(shape)
            case Split(branches=branches):
                for branch in branches:
                    found += boxes_of(branch)
    return found
