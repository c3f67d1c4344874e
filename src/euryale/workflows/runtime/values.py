"""The values of nodes as a journal has them: which node an id names, and of what type its values are."""

from collections.abc import Mapping
from typing import Any

from euryale.workflows.definition.fanout import item_id, item_node
from euryale.workflows.definition.hook import handler_node
from euryale.workflows.definition.nodes import ChildNode, EachNode, HookNode, SignalNode, StepNode
from euryale.workflows.definition.plan import Plan
from euryale.workflows.ports import Codec
from euryale.workflows.record.execution import ExecutionRecord


def node_of(plan: Plan, node: str) -> Any:
    """Return a node of the plan; of an item or a handler, one that is like it; None if there is none."""
    known = plan.nodes.get(node)
    if known is not None or not node.endswith("]"):
        return known
    outer, _, inner = node.removesuffix("]").rpartition("[")
    match plan.nodes.get(outer):
        case EachNode() as each:
            return item_node(each, 0, None)
        case HookNode() as hook:
            return next((handler_node(hook, each) for each in hook.hook.handlers if each.name == inner), None)
        case _:
            return None


def output_type(plan: Plan, node: str) -> Any:
    """Return the annotation under which what a node returned is read."""
    match node_of(plan, node):
        case SignalNode(signal=signal):
            return signal.type
        case StepNode(step=step):
            return step.signature.output_type
        case ChildNode(workflow=workflow):
            return workflow.plan.output_type
        case _:
            return Any


def undo_type(plan: Plan, node: str) -> Any:
    """Return the annotation under which what undoes a node is read."""
    match node_of(plan, node):
        case StepNode(step=step):
            return step.signature.undo_type
        case _:
            return Any


def gather(plan: Plan, record: ExecutionRecord, codec: Codec, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of what is done: of each ``for_each`` those of its items, of each hook those of its handlers.

    Raises:
        PayloadError: If the journal does not say what its parts are.
    """
    gathered: dict[str, Any] = {}
    for node_id, known in plan.nodes.items():
        parts = record.step(node_id).output
        if parts is not None and isinstance(known, EachNode):
            count = codec.decode(parts, int, f"the number of items of {node_id}")
            gathered[node_id] = [outputs.get(item_id(known, index)) for index in range(count)]
        elif parts is not None and isinstance(known, HookNode):
            names = codec.decode(parts, list[str], f"the handlers of {node_id}")
            gathered[node_id] = {name: outputs.get(f"{node_id}[{name}]") for name in names}
    return gathered
