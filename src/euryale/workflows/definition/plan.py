"""The plan: what a composer made. An immutable tree, known before anything runs."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from euryale.workflows.definition.description import describe
from euryale.workflows.definition.expression import Expression
from euryale.workflows.definition.graph import Graph
from euryale.workflows.definition.nodes import Block, Node, StepNode, describe_block
from euryale.workflows.errors import DefinitionError


@dataclass(frozen=True)
class Plan:
    """A workflow's structure.

    Attributes:
        name: The workflow's name.
        version: Its version, a positive number that its author counts up.
        body: What it does, in order.
        result: What it returns.
        input_type: What it is given, as annotated; None: nothing.
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
            "body": describe_block(self.body),
            "result": describe(self.result),
        }


def _walk(block: Block) -> Iterator[Node]:
    for node in block:
        yield node
        for inner in node.blocks:
            yield from _walk(inner)


def check_exits(block: Sequence[Node], workflow: str) -> None:
    """Check that what steps skip to comes later in the same sequence.

    Raises:
        DefinitionError: If it does not.
    """
    for index, node in enumerate(block):
        if isinstance(node, StepNode) and (target := node.step.options.skip_to):
            later = [each.id for each in block[index + 1 :]]
            if target not in later:
                raise DefinitionError(
                    f"{workflow!r}: {node.id!r} skips to {target!r}, which does not follow it in its sequence.",
                    hint=f"It may skip to one of: {', '.join(later) or 'nothing follows it'}.",
                )
        for inner in node.blocks:
            check_exits(inner, workflow)
