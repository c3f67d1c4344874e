"""What is in a plan besides its nodes: items of a ``for_each``, handlers of a hook, and annotated types."""

from collections.abc import Iterator
from typing import Any

from euryale.workflows.definition.fanout import item_node
from euryale.workflows.definition.hook import handler_node
from euryale.workflows.definition.nodes import CallNode, EachNode, HookNode, Node, SignalNode, StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.step import Step
from euryale.workflows.definition.workflow import Workflow


def node_of(plan: Plan, node_id: str) -> Node | None:
    """Return a node of the plan; of an item or a handler, one that is like it. None if there is no such node."""
    known = plan.nodes.get(node_id)
    if known is not None or not node_id.endswith("]"):
        return known
    outer, _, inner = node_id.removesuffix("]").rpartition("[")
    match plan.nodes.get(outer):
        case EachNode() as each if inner.isdecimal():
            return item_node(each, int(inner), None)
        case HookNode() as hook:
            return next((handler_node(hook, each) for each in hook.hook.handlers if each.name == inner), None)
        case _:
            return None


def annotated_types(plan: Plan) -> Iterator[tuple[str, Any]]:
    """Yield the types under which values of the plan's executions are written and read, each with what it is of."""
    yield "its input", plan.input_type
    yield "its result", plan.output_type
    for node in plan.nodes.values():
        match node:
            case StepNode(step=Step() as step) | EachNode(body=Step() as step):
                yield f"the output of step {step.name!r}", step.signature.output_type
                yield f"what undoes step {step.name!r}", step.signature.undo_type
            case SignalNode(signal=signal):
                yield f"what comes with {signal.name!r}", signal.type
            case _:
                pass


def called_workflows(plan: Plan) -> tuple[Workflow[Any, Any], ...]:
    """Return the workflows that a plan's nodes call, in composition order."""
    called = []
    for node in plan.nodes.values():
        match node:
            case CallNode(workflow=Workflow() as workflow) | EachNode(body=Workflow() as workflow):
                called.append(workflow)
            case _:
                pass
    return tuple(called)
