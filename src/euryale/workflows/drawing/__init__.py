"""Plans as pictures: JSON, Mermaid and SVG, with the states of an execution's nodes if wanted. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

from euryale.workflows.definition.plan import Plan
from euryale.workflows.drawing.json import to_json
from euryale.workflows.drawing.mermaid import to_mermaid
from euryale.workflows.drawing.states import NodeState, node_state
from euryale.workflows.drawing.svg import to_svg

__all__ = ["DRAWINGS", "Drawing", "DrawingFormat", "NodeState", "node_state", "to_json", "to_mermaid", "to_svg"]

DrawingFormat = Literal["json", "mermaid", "svg"]


class Drawing(Protocol):
    """Draws a plan."""

    def __call__(self, plan: Plan, states: Mapping[str, NodeState] | None = None, note: str = "", /) -> str:
        """Return the picture."""
        ...


DRAWINGS: Final[Mapping[DrawingFormat, Drawing]] = {"json": to_json, "mermaid": to_mermaid, "svg": to_svg}
"""How to draw, by format."""
