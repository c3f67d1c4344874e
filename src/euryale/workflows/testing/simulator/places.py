"""Where the nodes of a plan stand to each other: which come before which, by the sequences that they stand in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from euryale.workflows.definition.nodes import (
    Block,
    ChildNode,
    ChoiceNode,
    EachNode,
    HookNode,
    ParallelNode,
    StepNode,
)
from euryale.workflows.definition.parts import called_workflows
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.definition.workflow import Workflow


def with_called(workflows: Iterable[Workflow[Any, Any]]) -> tuple[Workflow[Any, Any], ...]:
    """Return the workflows with all that they call."""
    found: dict[str, Workflow[Any, Any]] = {}
    ahead = list(workflows)
    while ahead:
        workflow = ahead.pop(0)
        if found.setdefault(workflow.name, workflow) is workflow:
            ahead += (called for called in called_workflows(workflow.plan) if called.name not in found)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Place:
    """A node's place.

    Attributes:
        before: What is settled before it begins, unless it was passed over.
        behind: What is undone before it is.
    """

    before: frozenset[str]
    behind: frozenset[str]


def places(plan: Plan) -> dict[str, Place]:
    """Return the places of a plan's nodes by their ids."""
    before = dict(_before(plan.body, frozenset()))
    behind: dict[str, set[str]] = {node: set() for node in before}
    for node, earlier in before.items():
        for each in earlier:
            behind[each].add(node)
    return {node: Place(earlier, frozenset(behind[node])) for node, earlier in before.items()}


def _before(block: Block, outside: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    earlier = outside
    for node in block:
        inside = list(node.blocks)
        if isinstance(node, ParallelNode | ChoiceNode):
            within = [each for inner in inside for each in _before(inner, earlier)]
            yield from within
            earlier |= {name for name, _ in within}
        else:
            yield node.id, earlier
            earlier |= {node.id}


def place_of(known: dict[str, Place], node: str) -> Place | None:
    """Return the place of a node; of an item or a handler, that of what it belongs to."""
    return known.get(node) or known.get(outer(node))


def outer(node: str) -> str:
    """Return the ``for_each`` or the hook that an item or a handler belongs to; of any other node, itself."""
    return node.removesuffix("]").rpartition("[")[0] if node.endswith("]") else node


def has_undo(plan: Plan, node: str) -> bool:
    """Return whether there is something to undo of a node, an item or a handler once it has run."""
    known = plan.nodes.get(node)
    if known is None:
        known = plan.nodes.get(outer(node))
    elif isinstance(known, EachNode | HookNode):  # its items are undone, each on its own
        return False
    match known:
        case ChildNode():
            return True
        case StepNode(step=step) | EachNode(body=Step() as step):
            return step.compensation is not None
        case HookNode(hook=hook):
            name = node.removesuffix("]").rpartition("[")[2]
            return any(each.name == name and each.compensation is not None for each in hook.handlers)
        case _:
            return isinstance(known, EachNode)
