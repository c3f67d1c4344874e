"""A plan as an SVG picture: readable in the light and in the dark, and told in words to those who cannot see it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

from euryale.workflows.definition.plan import Plan
from euryale.workflows.drawing.layout import BAR_HEIGHT, Layout, Line, Placed, lay_out, shortened
from euryale.workflows.drawing.palette import DARK, LIGHT, Colours
from euryale.workflows.drawing.shape import Box, Run, Split, boxes_of, shapes_of
from euryale.workflows.drawing.states import NodeState

_MARGIN: Final = 24.0
_HEADING: Final = 52.0
_NOTE_ROW: Final = 18.0
_LEGEND_ROW: Final = 26.0
_LEGEND_ITEM: Final = 116.0
_CORNER: Final = 8.0
_LETTER: Final = 9.5
_SMALL_LETTER: Final = 7.0
_NARROWEST: Final = 300.0
_ROUND: Final = 7.0
_CONTROL: Final = {ord(each): "�" for each in map(chr, range(32))}

_STYLE: Final = """\
svg{--back:#ffffff;--ink:#24292f;--soft:#57606a;--line:#6e7781;--fill:#f6f8fa;--edge:#8c959f;\
font-family:system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
.back{fill:var(--back)}.box{fill:var(--fill);stroke:var(--edge);stroke-width:1.5}
.name{font-size:13px;font-weight:600;fill:var(--ink)}.kind{font-size:11px;fill:var(--soft)}
.heading{font-size:16px;font-weight:600;fill:var(--ink)}.note{font-size:12px;fill:var(--soft)}
.line{fill:none;stroke:var(--line);stroke-width:1.5}.skips{stroke-dasharray:5 4}.head,.dot,.bar{fill:var(--line)}
.end{fill:none;stroke:var(--line);stroke-width:1.5}.skipped .box{stroke-dasharray:4 3}.running .box{stroke-width:2.5}"""
_DARK_BASE: Final = "svg{--back:#0d1117;--ink:#e6edf3;--soft:#9ea7b3;--line:#8b949e;--fill:#161b22;--edge:#6e7681}"


def to_svg(plan: Plan, states: Mapping[str, NodeState] | None = None, note: str = "") -> str:
    """Return a plan as an SVG document, which stands alone and follows the reader's light or dark theme.

    Args:
        plan: The plan.
        states: Where each node stands, to be coloured by it.
        note: What else is said, such as where the execution comes from.
    """
    run = shapes_of(plan.body, states)
    layout, legend = lay_out(run), _legend_of(run)
    title = f"{plan.name}, version {plan.version}"
    words = max(len(title) * _LETTER, len(note) * _SMALL_LETTER)
    width = max(layout.width, words, _NARROWEST) + 2 * _MARGIN
    columns = max(1, int((width - 2 * _MARGIN) // _LEGEND_ITEM))
    rows = -(-len(legend) // columns)
    top = _HEADING + (_NOTE_ROW if note else 0)
    height = top + layout.height + 2 * _MARGIN + rows * _LEGEND_ROW
    left = (width - layout.width) / 2
    return "\n".join(
        [
            *_head(width, height, title, _described(plan, run, note)),
            f'<text class="heading" x="{_n(_MARGIN)}" y="{_n(_MARGIN + 10)}">{_text(title)}</text>',
            *([f'<text class="note" x="{_n(_MARGIN)}" y="{_n(_MARGIN + 28)}">{_text(note)}</text>'] if note else ()),
            f'<g transform="translate({_n(left)} {_n(top)})">',
            *_drawn(layout),
            "</g>",
            *_drawn_legend(legend, columns, top + layout.height + 2 * _MARGIN),
            "</svg>",
            "",
        ]
    )


def _head(width: float, height: float, title: str, description: str) -> Iterator[str]:
    size = f'width="{_n(width)}" height="{_n(height)}"'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" {size} role="img" '
        'aria-labelledby="title desc">'
    )
    yield f'<title id="title">{_text(f"Workflow {title}")}</title>'
    yield f'<desc id="desc">{_text(description)}</desc>'
    yield f"<style>{_STYLE}\n{_painted(LIGHT)}"
    yield f"@media (prefers-color-scheme:dark){{{_DARK_BASE}\n{_painted(DARK)}}}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0.5 8 4 0 7.5z"/></marker></defs>'
    )
    yield f'<rect class="back" {size}/>'


def _described(plan: Plan, run: Run, note: str) -> str:
    boxes = boxes_of(run)
    counts = Counter(each.state for each in boxes if each.state is not None)
    parts = [plan.title, f"{len(boxes)} nodes: {', '.join(f'{each.name} ({each.kind})' for each in boxes) or 'none'}."]
    if counts:
        parts.append(", ".join(f"{count} {state.words}" for state, count in counts.items()) + ".")
    if note:
        parts.append(f"{note[0].upper()}{note[1:]}.")
    return " ".join(part for part in parts if part)


def _legend_of(run: Run) -> list[NodeState]:
    """Return the states that occur, in the order in which they follow each other."""
    found = {each.state for each in boxes_of(run)}
    return [state for state in NodeState if state in found]


def _painted(colours: Mapping[NodeState, Colours]) -> str:
    return "\n".join(
        f".{state} .box{{fill:{each.fill};stroke:{each.stroke}}}.{state} .name,.{state} .kind{{fill:{each.text}}}"
        for state, each in colours.items()
    )


def _drawn(layout: Layout) -> Iterator[str]:
    yield from map(_drawn_line, layout.lines)
    for x, y, width in layout.bars:
        yield f'<rect class="bar" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(BAR_HEIGHT)}" rx="3"/>'
    for placed in layout.placed:
        yield from (
            _drawn_choice(placed, placed.shape) if isinstance(placed.shape, Split) else _drawn_box(placed, placed.shape)
        )
    for line in layout.lines:
        if line.label:
            yield _drawn_label(line)
    yield f'<circle class="dot" cx="{_n(layout.start[0])}" cy="{_n(layout.start[1])}" r="{_n(_ROUND)}"/>'
    x, y = layout.end
    yield f'<circle class="end" cx="{_n(x)}" cy="{_n(y + _ROUND)}" r="{_n(_ROUND)}"/>'
    yield f'<circle class="dot" cx="{_n(x)}" cy="{_n(y + _ROUND)}" r="{_n(_ROUND / 2)}"/>'


def _drawn_line(line: Line) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in line.points)
    classes = "line skips" if line.skips else "line"
    head = ' marker-end="url(#head)"' if line.arrow else ""
    return f'<polyline class="{classes}" points="{points}"{head}/>'


def _drawn_label(line: Line) -> str:
    """Write what stands at a line: beside its turn."""
    if line.skips:
        (x, y), anchor = line.points[1], "end"
        x, y = x - 4, y - 6
    else:
        (middle, _), (x, y) = line.points[1:3]
        x, y, anchor = (x - 6, y + 13, "end") if x < middle else (x + 6, y + 13, "start")
    return f'<text class="note" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{_text(line.label)}</text>'


def _drawn_box(placed: Placed, box: Box) -> Iterator[str]:
    words = box.kind if box.state is None else f"{box.kind} · {box.state.words}"
    yield f'<g class="{box.state or "plain"}"><title>{_text(f"{box.id}: {words}")}</title>'
    if box.stacked:
        yield _rectangle(placed, 6)
        yield _rectangle(placed, 3)
    yield _rectangle(placed, 0)
    yield _words(placed.axis, placed.y + 22, "name", box.name)
    yield _words(placed.axis, placed.y + 39, "kind", words)
    yield "</g>"


def _rectangle(placed: Placed, behind: float) -> str:
    x, y = placed.x + behind, placed.y + behind
    return (
        f'<rect class="box" x="{_n(x)}" y="{_n(y)}" width="{_n(placed.width)}" height="{_n(placed.height)}" '
        f'rx="{_n(_CORNER)}"/>'
    )


def _drawn_choice(placed: Placed, choice: Split) -> Iterator[str]:
    x, y, right, bottom, point = (
        placed.x,
        placed.y,
        placed.x + placed.width,
        placed.y + placed.height,
        placed.height / 2,
    )
    corners = ((x, y + point), (x + point, y), (right - point, y), (right, y + point), (right - point, bottom))
    points = " ".join(f"{_n(a)},{_n(b)}" for a, b in (*corners, (x + point, bottom)))
    words = "decision" if choice.state is None else f"decision · {choice.state.words}"
    yield f'<g class="{choice.state or "plain"}"><title>{_text(f"{choice.id}: {words}")}</title>'
    yield f'<polygon class="box" points="{points}"/>'
    yield _words(placed.axis, placed.y + 25, "name", choice.name)
    yield "</g>"


def _words(x: float, y: float, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="middle">{_text(shortened(text))}</text>'


def _drawn_legend(states: Iterable[NodeState], columns: int, top: float) -> Iterator[str]:
    for number, state in enumerate(states):
        x = _MARGIN + (number % columns) * _LEGEND_ITEM
        y = top + (number // columns) * _LEGEND_ROW
        yield f'<g class="{state}"><rect class="box" x="{_n(x)}" y="{_n(y - 12)}" width="20" height="14" rx="4"/></g>'
        yield f'<text class="note" x="{_n(x + 27)}" y="{_n(y)}">{_text(state.words)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Return a text of which nothing is read as markup, and which XML can hold."""
    return escape(text.translate(_CONTROL))
