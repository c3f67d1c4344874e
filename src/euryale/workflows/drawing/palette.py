"""The colours of states, in the light and in the dark. Texts have a contrast of at least 4.5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from euryale.workflows.drawing.states import NodeState


@dataclass(frozen=True, slots=True)
class Colours:
    """How a state is painted.

    Attributes:
        fill: The box.
        stroke: Its border.
        text: What stands in it.
    """

    fill: str
    stroke: str
    text: str


_S = NodeState
LIGHT: Final[Mapping[NodeState, Colours]] = {
    _S.PENDING: Colours("#ffffff", "#8c959f", "#24292f"),
    _S.RUNNING: Colours("#ddf4ff", "#0969da", "#0a3069"),
    _S.WAITING: Colours("#fff8c5", "#9a6700", "#4d2d00"),
    _S.SUCCEEDED: Colours("#dafbe1", "#1a7f37", "#0f4a20"),
    _S.SKIPPED: Colours("#f6f8fa", "#afb8c1", "#57606a"),
    _S.FAILED: Colours("#ffebe9", "#cf222e", "#82071e"),
    _S.TIMED_OUT: Colours("#fff1e5", "#bc4c00", "#762c00"),
    _S.UNDOING: Colours("#fbefff", "#8250df", "#512a97"),
    _S.UNDONE: Colours("#f0ecf8", "#6e5494", "#3f2c63"),
    _S.UNDO_FAILED: Colours("#a40e26", "#660018", "#ffffff"),
}
DARK: Final[Mapping[NodeState, Colours]] = {
    _S.PENDING: Colours("#161b22", "#6e7681", "#e6edf3"),
    _S.RUNNING: Colours("#0c2d6b", "#58a6ff", "#cae8ff"),
    _S.WAITING: Colours("#3b2300", "#d29922", "#f8e3a1"),
    _S.SUCCEEDED: Colours("#04260f", "#3fb950", "#aff5b4"),
    _S.SKIPPED: Colours("#0d1117", "#484f58", "#9ea7b3"),
    _S.FAILED: Colours("#490202", "#f85149", "#ffdcd7"),
    _S.TIMED_OUT: Colours("#3d1300", "#f0883e", "#ffdfb6"),
    _S.UNDOING: Colours("#271052", "#bc8cff", "#eddeff"),
    _S.UNDONE: Colours("#221b33", "#a391c7", "#ded3f2"),
    _S.UNDO_FAILED: Colours("#f85149", "#ffdcd7", "#240000"),
}
