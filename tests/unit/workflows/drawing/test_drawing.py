"""Plans as pictures: whatever a workflow is like and is called, they can be read."""

import html
import itertools
import json
import re
from xml.etree import ElementTree as ET

import pytest

from euryale.workflows import (
    Hook,
    Signal,
    StepState,
    UndoState,
    detach,
    emit,
    for_each,
    parallelize,
    sleep,
    step,
    transform,
    wait_for,
    when,
    workflow,
)
from euryale.workflows.drawing import DRAWINGS, NodeState, node_state, to_json, to_mermaid, to_svg
from euryale.workflows.drawing.layout import Placed, lay_out
from euryale.workflows.drawing.palette import DARK, LIGHT
from euryale.workflows.drawing.shape import boxes_of, shapes_of

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "a\"b<script>&']]>--%%{init}%%\n`x`;end|#"


@step
async def work(value: object) -> object:
    return value


@step
async def risky(value: object) -> object:
    return value


@step
async def tidy(value: object) -> object:
    return value


@workflow("inner", version=4)
def inner(value: object) -> object:
    return work(value)


def is_large(value: object) -> bool:
    return bool(value)


audit, approved = Hook("audit", object), Signal("approved", bool)


@workflow("everything", version=2)
def everything(value: object) -> object:
    """Does everything that there is."""
    risky.skip_to("tidy")(value)
    first = work(value)
    tidy(first)
    left, right = parallelize(
        lambda: parallelize(work(first), inner(first)),
        lambda: when(first, is_large).then(lambda: work(first)).otherwise(lambda: sleep(5)),
        lambda: when(first, is_large).then(lambda: work(first)),
    )[:2]
    for_each(transform(list, left), work, concurrency=3)
    audit(right)
    detach(inner, right)
    wait_for(approved)
    emit("done", right)
    return work(right)


@workflow("nothing")
def nothing(value: object) -> object:
    return value


@workflow(NASTY)
def nasty(value: object) -> object:
    """A title with <b>markup</b> & more."""
    return work.named("<i>&amp;\"'é�".replace("&amp;", "&"))(value)


PLANS = [everything.plan, nothing.plan, nasty.plan]
STATES = dict(zip(everything.plan.nodes, itertools.cycle(NodeState), strict=False))


@pytest.mark.parametrize("plan", PLANS, ids=["everything", "nothing", "nasty"])
@pytest.mark.parametrize("states", [None, STATES], ids=["plain", "coloured"])
def test_svg_is_well_formed_and_says_in_words_what_it_shows(plan, states):
    root = ET.fromstring(to_svg(plan, states))
    assert root.tag == f"{SVG}svg"
    assert root.attrib["role"] == "img"
    told = {each.attrib["id"]: each.text for each in root if "id" in each.attrib}
    assert set(root.attrib["aria-labelledby"].split()) == set(told)
    assert told["title"].startswith("Workflow ")
    assert not root.findall(f".//{SVG}script")
    assert not root.findall(f".//{SVG}i")


def test_svg_shows_each_node_with_its_state_and_a_legend_of_the_states_that_occur():
    root = ET.fromstring(to_svg(everything.plan, {"work": NodeState.FAILED}))
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert "work: step · failed" in titles
    assert "risky: step · pending" in titles
    assert "when: decision · pending" in titles
    notes = [each.text for each in root.iter(f"{SVG}text") if each.attrib["class"] == "note"]
    assert notes.count("on failure") == 1
    assert {"then", "otherwise", "pending", "failed"} <= set(notes)
    assert "running" not in notes


def test_svg_follows_the_readers_theme():
    assert "prefers-color-scheme:dark" in to_svg(everything.plan)


def test_a_for_each_says_how_its_items_stand():
    states = {"each:work": NodeState.RUNNING, "each:work[0]": NodeState.SUCCEEDED, "each:work[1]": NodeState.SUCCEEDED}
    assert "for each · 2 succeeded · running" in to_svg(everything.plan, states)


def test_shapes_do_not_overlap_and_stay_inside():
    layout = lay_out(shapes_of(everything.plan.body, None))
    for one, other in itertools.combinations(layout.placed, 2):
        assert _apart(one, other), (one, other)
    for each in layout.placed:
        assert each.x >= 0
        assert each.x + each.width <= layout.width
        assert each.y + each.height <= layout.height
    for line in layout.lines:
        for x, y in line.points:
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height


def _apart(one: Placed, other: Placed) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return beside or one.y + one.height <= other.y or other.y + other.height <= one.y


def test_every_node_is_drawn():
    drawn = {box.id for box in boxes_of(shapes_of(everything.plan.body, None))}
    inner_nodes = {node for node, each in everything.plan.nodes.items() if not each.blocks}
    assert drawn == inner_nodes


@pytest.mark.parametrize(("colours", "backs"), [(LIGHT, "light"), (DARK, "dark")])
def test_what_stands_in_a_box_can_be_read(colours, backs):
    assert set(colours) == set(NodeState)
    for state, each in colours.items():
        assert _contrast(each.fill, each.text) >= 4.5, (backs, state)


def _contrast(one: str, other: str) -> float:
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


NODE = re.compile(
    r'^    (?:n\d+|start|finish)(?:\["[^"]*"\]|\[\["[^"]*"\]\]|\{"[^"]*"\}|@\{ shape: fork \}|\(\(\w+\)\))$'
)
ARROW = re.compile(r"^    (\w+) (?:-->|-->\|\w+\||-\. skips to, on failure \.->) (\w+)$")


@pytest.mark.parametrize("plan", PLANS, ids=["everything", "nothing", "nasty"])
def test_mermaid_consists_of_nodes_and_arrows_and_nothing_else(plan):
    head, title, rule, kind, *lines = to_mermaid(plan, STATES).splitlines()
    assert (head, rule, kind) == ("---", "---", "flowchart TD")
    assert json.loads(title.removeprefix("title: ")) == _titled(f"{plan.name}, version {plan.version}")
    rest = [line for line in lines if not NODE.match(line) and not ARROW.match(line)]
    assert all(re.match(r"^    (classDef \w+ [\w:#, .-]+|class n\d+ \w+)$", line) for line in rest), rest
    nodes = {
        line.split()[0].split("[")[0].split("(")[0].split("{")[0].split("@")[0] for line in lines if NODE.match(line)
    }
    arrows = [match.groups() for line in lines if (match := ARROW.match(line))]
    assert {end for arrow in arrows for end in arrow} == nodes
    assert {source for source, _ in arrows} == nodes - {"finish"}


def _titled(text: str) -> str:
    return text.replace("<", "\u2039").replace(">", "\u203a")


def test_mermaid_reads_nothing_of_a_name_as_its_own():
    (box,) = re.findall(r"<b>(.*?)</b>", to_mermaid(nasty.plan))
    assert not set(box) & set("<>\"'#{}%`")
    assert html.unescape(box) == "<i>&\"'é�"


def test_json_has_the_plan_and_the_states():
    document = json.loads(to_json(everything.plan, {"work": NodeState.FAILED, "each:work[0]": NodeState.RUNNING}))
    assert (document["name"], document["version"], document["hash"]) == ("everything", 2, everything.plan.hash)
    body = {node["id"]: node for node in document["body"]}
    assert body["work"]["state"] == "failed"
    assert body["each:work"]["states"] == {"each:work[0]": "running"}
    assert body["parallel"]["branches"][0][0]["state"] == "pending"
    assert "state" not in json.loads(to_json(everything.plan))["body"][0]


def test_a_picture_of_each_format_can_be_had_by_its_name():
    assert {name: draw(nothing.plan)[:3] for name, draw in DRAWINGS.items()} == {
        "json": "{\n ",
        "mermaid": "---",
        "svg": "<sv",
    }


@pytest.mark.parametrize(
    ("forward", "backward", "drawn"),
    [
        (StepState.SUCCEEDED, UndoState.NONE, NodeState.SUCCEEDED),
        (StepState.SUCCEEDED, UndoState.PENDING, NodeState.UNDOING),
        (StepState.SUCCEEDED, UndoState.REVERTED, NodeState.UNDONE),
        (StepState.FAILED, UndoState.REVERTED, NodeState.FAILED),
        (StepState.FAILED, UndoState.FAILED, NodeState.UNDO_FAILED),
    ],
)
def test_a_node_is_drawn_in_one_state(forward, backward, drawn):
    assert node_state(forward, backward) is drawn
