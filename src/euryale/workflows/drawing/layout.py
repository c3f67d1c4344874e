"""Where shapes are drawn: sequences from top to bottom, branches beside each other, each centred on an axis.

A plan is a tree of sequences and splits, so no arrows cross but those of steps that skip: they run beside the sequence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from euryale.workflows.drawing.shape import Box, Run, Shape, Split

BOX_HEIGHT: Final = 52.0
QUESTION_HEIGHT: Final = 40.0
BAR_HEIGHT: Final = 6.0
LONGEST_TEXT: Final = 44

_GAP: Final = 30.0
_BESIDE: Final = 28.0
_FORK: Final = 24.0
_TURN: Final = 30.0
_SKIP_LANE: Final = 18.0
_NAME_WIDTH: Final = 7.9
_KIND_WIDTH: Final = 6.4
_PADDING: Final = 36.0
_NARROWEST: Final = 132.0
_EMPTY: Final = 64.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A shape at its place.

    Attributes:
        shape: The shape.
        x: Its left edge.
        y: Its upper edge.
        width: Its width.
        height: Its height.
    """

    shape: Shape
    x: float
    y: float
    width: float
    height: float

    @property
    def axis(self) -> float:
        """Where arrows come in from above and go out below."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; with an arrow's head at its end if it leads into something.

    Attributes:
        points: Its corners.
        arrow: Whether it has a head.
        label: What stands at it, or an empty string.
        skips: Whether it is taken only after a failure.
    """

    points: tuple[tuple[float, float], ...]
    arrow: bool = True
    label: str = ""
    skips: bool = False


@dataclass(slots=True)
class Layout:
    """A drawing before it is painted.

    Attributes:
        width: Its width.
        height: Its height.
        placed: Its shapes.
        bars: The bars of parallel groups: x, y, width.
        lines: What joins them.
        start: Where it begins.
        end: Where it ends.
    """

    width: float = 0.0
    height: float = 0.0
    placed: list[Placed] = field(default_factory=list)
    bars: list[tuple[float, float, float]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    start: tuple[float, float] = (0.0, 0.0)
    end: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Size:
    width: float
    height: float
    axis: float


def lay_out(run: Run) -> Layout:
    """Place shapes, with a start above and an end below."""
    layout = Layout()
    size = _size_of_run(run)
    layout.start = (size.axis, 0.0)
    bottom = _place_run(layout, run, 0.0, _GAP, size, entry=0.0)
    layout.end = (size.axis, bottom + _GAP)
    layout.lines.append(Line(((size.axis, bottom), layout.end)))
    layout.width, layout.height = size.width, layout.end[1]
    return layout


def shortened(text: str) -> str:
    """Return a text that fits into a box."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _size_of_run(run: Run) -> _Size:
    if not run:
        return _Size(_EMPTY, 0.0, _EMPTY / 2)
    sizes = [_size_of(shape) for shape in run]
    axis = max(each.axis for each in sizes)
    width = axis + max(each.width - each.axis for each in sizes) + _SKIP_LANE * len(_skipping(run))
    return _Size(width, sum(each.height for each in sizes) + _GAP * (len(sizes) - 1), axis)


def _skipping(run: Run) -> list[Box]:
    return [shape for shape in run if isinstance(shape, Box) and shape.skips_to]


def _size_of(shape: Shape) -> _Size:
    if isinstance(shape, Box):
        width = _box_width(shape)
        return _Size(width, BOX_HEIGHT, width / 2)
    branches = [_size_of_run(branch) for branch in shape.branches]
    inside = sum(each.width for each in branches) + _BESIDE * max(0, len(branches) - 1)
    head = _question_width(shape) if shape.labels else 0.0
    width = max(inside, head)
    tallest = max((each.height for each in branches), default=0.0)
    around = QUESTION_HEIGHT + 2 * _TURN + _FORK if shape.labels else 2 * (BAR_HEIGHT + _FORK)
    return _Size(width, tallest + around, width / 2)


def _box_width(box: Box) -> float:
    words = f"{box.kind} · {box.state.words}" if box.state is not None else box.kind
    widest = max(len(shortened(box.name)) * _NAME_WIDTH, len(shortened(words)) * _KIND_WIDTH)
    return max(_NARROWEST, widest + _PADDING)


def _question_width(split: Split) -> float:
    return max(_NARROWEST, len(shortened(split.name)) * _NAME_WIDTH + 2 * _PADDING)


def _place_run(layout: Layout, run: Run, x: float, y: float, size: _Size, *, entry: float) -> float:
    """Place a sequence whose first arrow begins at ``entry``; return where its last shape ends."""
    axis, tops, bottoms = x + size.axis, dict[str, float](), dict[str, float]()
    last = entry
    for shape in run:
        layout.lines.append(Line(((axis, last), (axis, y))))
        tops[shape.id] = y
        last = _place(layout, shape, axis, y)
        bottoms[shape.id] = last
        y = last + _GAP
    for number, box in enumerate(_skipping(run)):
        lane = x + size.width - _SKIP_LANE * (number + 0.5)
        right, start = axis + _box_width(box) / 2, tops[box.id] + BOX_HEIGHT / 2
        above = tops[box.skips_to] - _GAP / 2
        points = ((right, start), (lane, start), (lane, above), (axis, above))
        layout.lines.append(Line(points, label="on failure", skips=True))
    return last


def _place(layout: Layout, shape: Shape, axis: float, y: float) -> float:
    """Place a shape under a point; return where it ends."""
    size = _size_of(shape)
    if isinstance(shape, Box):
        layout.placed.append(Placed(shape, axis - size.width / 2, y, size.width, BOX_HEIGHT))
        return y + BOX_HEIGHT
    if shape.labels:
        return _place_choice(layout, shape, axis, y, size)
    return _place_group(layout, shape, axis, y, size)


def _place_group(layout: Layout, group: Split, axis: float, y: float, size: _Size) -> float:
    bottom = y + size.height
    top = y + BAR_HEIGHT + _FORK
    axes = []
    for branch, left, inner in _beside(group.branches, axis):
        axes.append(left + inner.axis)
        end = _place_run(layout, branch, left, top, inner, entry=y + BAR_HEIGHT)
        layout.lines.append(Line(((axes[-1], end), (axes[-1], bottom - BAR_HEIGHT))))
    left, right = min([axis, *axes]) - _FORK, max([axis, *axes]) + _FORK
    layout.bars += [(left, y, right - left), (left, bottom - BAR_HEIGHT, right - left)]
    return bottom


def _place_choice(layout: Layout, choice: Split, axis: float, y: float, size: _Size) -> float:
    width = _question_width(choice)
    layout.placed.append(Placed(choice, axis - width / 2, y, width, QUESTION_HEIGHT))
    bottom, under = y + size.height, y + QUESTION_HEIGHT
    turn, top, merge = under + _TURN / 2, under + _TURN + _FORK, bottom - _TURN / 2
    for (branch, left, inner), label in zip(_beside(choice.branches, axis), choice.labels, strict=True):
        side = left + inner.axis
        points = ((axis, under), (axis, turn), (side, turn), (side, turn + _FORK / 2))
        layout.lines.append(Line(points, arrow=False, label=label))
        end = _place_run(layout, branch, left, top, inner, entry=turn + _FORK / 2)
        layout.lines.append(Line(((side, end), (side, merge), (axis, merge), (axis, bottom)), arrow=False))
    return bottom


def _beside(branches: tuple[Run, ...], axis: float) -> Iterable[tuple[Run, float, _Size]]:
    """Give each branch its left edge, the whole centred on the axis."""
    sizes = [_size_of_run(branch) for branch in branches]
    left = axis - (sum(each.width for each in sizes) + _BESIDE * max(0, len(sizes) - 1)) / 2
    for branch, size in zip(branches, sizes, strict=True):
        yield branch, left, size
        left += size.width + _BESIDE
