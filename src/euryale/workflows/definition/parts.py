"""Finding a node by its id: also an item of a ``for_each`` or a handler of a hook, which the plan does not list."""

from euryale.workflows.definition.fanout import item_node
from euryale.workflows.definition.hook import handler_node
from euryale.workflows.definition.nodes import EachNode, HookNode, Node
from euryale.workflows.definition.plan import Plan


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
