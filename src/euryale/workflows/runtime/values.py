"""The values of nodes as a journal has them: of what type they are, and what they come to."""

from collections.abc import Mapping
from typing import Any

from euryale.workflows.definition.fanout import item_id
from euryale.workflows.definition.nodes import ChildNode, EachNode, HookNode, SignalNode, StepNode
from euryale.workflows.definition.parts import node_of
from euryale.workflows.definition.plan import Plan
from euryale.workflows.ports import Codec
from euryale.workflows.record.execution import ExecutionRecord


def output_type(plan: Plan, node: str) -> Any:
    """Return the annotation under which what a node returned is read."""
    match node_of(plan, node):
        case SignalNode() as signal:
            return signal.output_type
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
