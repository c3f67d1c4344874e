"""A plan as a Mermaid flowchart."""

import json
from collections.abc import Mapping
from html.entities import html5
from typing import Final

from euryale.workflows.definition.plan import Plan
from euryale.workflows.drawing.palette import LIGHT
from euryale.workflows.drawing.shape import Box, Run, Shape, Split, shapes_of
from euryale.workflows.drawing.states import NodeState

_PLAIN: Final = frozenset(" -_.,:·?!()+*=@%")
_ENTITIES: Final = {
    **{chr(code): "\N{REPLACEMENT CHARACTER}" for code in range(32)},
    **{
        value: f"&{name}" for name, value in html5.items() if len(value) == 1 and value.isascii() and name.endswith(";")
    },
}
"""By name and not by number: several versions of Mermaid do not decode its own number codes."""
_IN_A_TITLE: Final = str.maketrans({"<": "\u2039", ">": "\u203a"})
"""A title is sanitized as HTML, and shown as text: what stands between such brackets would be lost."""
_START, _END = "start", "finish"
_Exit = tuple[str, str]
"""What an arrow comes from, and what stands at it."""


def to_mermaid(plan: Plan, states: Mapping[str, NodeState] | None = None, note: str = "") -> str:
    """Return a plan as the text of a Mermaid flowchart.

    Args:
        plan: The plan.
        states: Where each node stands, to be coloured by it.
        note: What else is said, such as where the execution comes from.
    """
    chart = _Chart()
    shapes = shapes_of(plan.body, states)
    exits = chart.run(shapes, [(_START, "")])
    title = ", ".join(filter(None, (plan.name, f"version {plan.version}", note)))
    lines = [
        "---",
        f"title: {json.dumps(title.translate(_IN_A_TITLE), ensure_ascii=False)}",
        "---",
        "flowchart TD",
        f"    {_START}((start))",
        *chart.nodes,
        f"    {_END}((end))",
        *chart.arrows,
        *(_arrow(source, label, _END) for source, label in exits),
        *chart.skips(),
        *(f"    classDef {state} {_style(state)}" for state in sorted({state for _, state in chart.states})),
        *(f"    class {node} {state}" for node, state in chart.states),
    ]
    return "\n".join(lines) + "\n"


class _Chart:
    """Collects the lines of a chart; nodes are numbered, as names may be anything."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.arrows: list[str] = []
        self.states: list[tuple[str, NodeState]] = []
        self._names: dict[str, str] = {}
        self._skips: list[tuple[str, str]] = []

    def run(self, shapes: Run, exits: list[_Exit]) -> list[_Exit]:
        """Draw shapes one after the other; return what the arrows to whatever follows come from."""
        for shape in shapes:
            exits = self._shape(shape, exits)
        return exits

    def _shape(self, shape: Shape, exits: list[_Exit]) -> list[_Exit]:
        match shape:
            case Box():
                name = self._place(shape.id, _box(shape), shape.state, exits)
                if shape.skips_to:
                    self._skips.append((name, shape.skips_to))
                return [(name, "")]
            case Split(labels=()):
                fork = self._place(shape.id, "@{ shape: fork }", None, exits)
                ends = [end for branch in shape.branches for end in self.run(branch, [(fork, "")])]
                return [(self._place(f"{shape.id} join", "@{ shape: fork }", None, ends), "")]
            case Split():
                question = self._place(shape.id, f'{{"{_escaped(shape.name)}"}}', shape.state, exits)
                sides = zip(shape.branches, shape.labels, strict=True)
                return [end for branch, label in sides for end in self.run(branch, [(question, label)])]

    def _place(self, node: str, text: str, state: NodeState | None, exits: list[_Exit]) -> str:
        name = self._names[node] = f"n{len(self._names)}"
        self.nodes.append(f"    {name}{text}")
        self.arrows += [_arrow(source, label, name) for source, label in exits]
        if state is not None:
            self.states.append((name, state))
        return name

    def skips(self) -> list[str]:
        """Return the arrows from steps to where the workflow goes on when they have failed."""
        return [f"    {source} -. skips to, on failure .-> {self._names[target]}" for source, target in self._skips]


def _arrow(source: str, label: str, target: str) -> str:
    return f"    {source} -->|{label}| {target}" if label else f"    {source} --> {target}"


def _box(box: Box) -> str:
    lines = [f"<b>{_escaped(box.name)}</b>", _escaped(box.kind)]
    if box.state is not None:
        lines.append(_escaped(box.state.words))
    text = "<br/>".join(lines)
    return f'[["{text}"]]' if box.stacked else f'["{text}"]'


def _escaped(text: str) -> str:
    """Return a text of which nothing is read as Mermaid's or as HTML: special characters by their names."""
    return "".join(each if each.isalnum() or each in _PLAIN else _ENTITIES.get(each, each) for each in text)


def _style(state: NodeState) -> str:
    colours = LIGHT[state]
    dashed = ",stroke-dasharray:4 3" if state is NodeState.SKIPPED else ""
    return f"fill:{colours.fill},stroke:{colours.stroke},color:{colours.text}{dashed}"
