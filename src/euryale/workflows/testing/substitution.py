"""The same workflow with other functions behind its steps: the plan and its hash stay what they are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from euryale.workflows.definition.hook import Hook
from euryale.workflows.definition.nodes import (
    Block,
    CallNode,
    ChoiceNode,
    EachNode,
    HookNode,
    Node,
    ParallelNode,
    StepNode,
)
from euryale.workflows.definition.step import Step
from euryale.workflows.definition.workflow import Workflow

Part = Literal["do", "undo"]
Around = Callable[[Step[..., Any, Any], Part, Callable[..., Any]], Callable[..., Any]]
"""Takes a step, whether it is about its function or its compensation's, and that; gives what is called instead."""


class Substitution:
    """Puts functions of its own in the place of those of steps, in a workflow and in all that it calls.

    Args:
        around: Gives what is called instead. It must take the same: ``functools.wraps`` sees to that.
    """

    def __init__(self, around: Around) -> None:
        self._around = around
        self._workflows: dict[int, tuple[Workflow[Any, Any], Workflow[Any, Any]]] = {}
        self._steps: dict[int, tuple[Step[..., Any, Any], Step[..., Any, Any]]] = {}

    def of(self, workflow: Workflow[Any, Any]) -> Workflow[Any, Any]:
        """Return the workflow with other functions behind its steps; the same one for the same."""
        known = self._workflows.get(id(workflow))
        if known is None:
            plan = replace(workflow.plan, body=self._block(workflow.plan.body))
            copy: Workflow[Any, Any] = Workflow(plan, workflow.queue, workflow.parameter, workflow.place)
            known = self._workflows[id(workflow)] = (workflow, copy)
        return known[1]

    def _step(self, step: Step[..., Any, Any]) -> Step[..., Any, Any]:
        known = self._steps.get(id(step))
        if known is None:
            undo = step.compensation
            other = step.with_functions(
                self._around(step, "do", step.function),
                None if undo is None else self._around(step, "undo", undo.function),
            )
            known = self._steps[id(step)] = (step, other)
        return known[1]

    def _block(self, block: Block) -> Block:
        return tuple(map(self._node, block))

    def _node(self, node: Node) -> Node:
        match node:
            case StepNode():
                return replace(node, step=self._step(node.step))
            case CallNode():
                return replace(node, workflow=self.of(_workflow(node.workflow)))
            case EachNode(body=Step()):
                return replace(node, body=self._step(node.body))
            case EachNode():
                return replace(node, body=self.of(node.body))
            case HookNode():
                return replace(node, hook=self._hook(node.hook))
            case ParallelNode():
                return replace(node, branches=tuple(map(self._block, node.branches)))
            case ChoiceNode():
                return replace(node, then=self._block(node.then), otherwise=self._block(node.otherwise))
            case _:
                return node

    def _hook(self, hook: Hook[Any]) -> Hook[Any]:
        other = Hook(hook.name, hook.type)
        for handler in hook.handlers:
            other.attach(self._step(handler))
        return other


def _workflow(called: Any) -> Workflow[Any, Any]:
    assert isinstance(called, Workflow)  # noqa: S101 -- a plan holds it as what it looks like
    return called
