"""A plan as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from euryale.workflows.definition.plan import Plan
from euryale.workflows.drawing.states import NodeState


def to_json(plan: Plan, states: Mapping[str, NodeState] | None = None, note: str = "") -> str:
    """Return a plan as a JSON document: its nodes nested as they are composed, each with its arguments.

    Args:
        plan: The plan.
        states: Where each node stands; each gets a ``state`` then, one with items or handlers their ``states``.
        note: What else is said, such as where the execution comes from.
    """
    document: dict[str, Any] = {
        **plan.describe(),
        "title": plan.title,
        "hash": plan.hash,
        "timeout": plan.timeout,
        "retention": plan.retention,
    }
    if note:
        document["note"] = note
    if states is not None:
        document["body"] = _with_states(document["body"], states)
    return json.dumps(document, ensure_ascii=False, indent=2)


def _with_states(body: list[dict[str, Any]], states: Mapping[str, NodeState]) -> list[dict[str, Any]]:
    return [_with_state(node, states) for node in body]


def _with_state(node: dict[str, Any], states: Mapping[str, NodeState]) -> dict[str, Any]:
    told = {**node, "state": states.get(node["id"], NodeState.PENDING).value}
    parts = {each: state.value for each, state in states.items() if each.startswith(f"{node['id']}[")}
    if parts:
        told["states"] = parts
    if node["kind"] == "parallel":
        told["branches"] = [_with_states(branch, states) for branch in node["branches"]]
    elif node["kind"] == "when":
        told |= {side: _with_states(node[side], states) for side in ("then", "otherwise")}
    return told
