"""A placeholder gives attributes and items, and refuses all else with the place and an advice."""

import inspect
import math
import operator
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from euryale.workflows import CompositionError, step, transform, workflow
from euryale.workflows.definition.expression import INPUT, Output, sources
from euryale.workflows.definition.placeholder import Placeholder, expression_of

HERE = Path(__file__).name

REFUSED = {
    "if": (bool, "when("),
    "not": (operator.not_, "when("),
    "==": (lambda p: p == 1, "when("),
    "!=": (lambda p: p != 1, "when("),
    "<": (lambda p: p < 1, "when("),
    "<=": (lambda p: p <= 1, "when("),
    ">": (lambda p: p > 1, "when("),
    ">=": (lambda p: p >= 1, "when("),
    "in it": (lambda p: 1 in p, "when("),
    "in a list": (lambda p: p in [1, 2], "when("),
    "hash": (hash, "transform("),
    "set": (lambda p: {p}, "transform("),
    "key": (lambda p: {p: 1}, "transform("),
    "len": (len, "transform("),
    "for": (lambda p: [each for each in p], "for_each(value, step)"),  # noqa: C416 -- the loop is the test
    "unpacking": (lambda p: max(*p), "for_each(value, step)"),
    "reversed": (reversed, "transform("),
    "str": (str, "transform("),
    "f-string": (lambda p: f"{p}", "transform("),
    "%": (lambda p: "%s" % p, "transform("),  # noqa: UP031 -- the operator is the test
    "format": (lambda p: format(p, ">5"), "transform("),
    "call": (lambda p: p.upper(), "transform("),
    "range": (range, "transform("),
    "index": (lambda p: [1, 2][p], "transform("),
    "int": (int, "transform("),
    "float": (float, "transform("),
    "complex": (complex, "transform("),
    "bytes": (bytes, "transform("),
    "neg": (operator.neg, "transform("),
    "pos": (operator.pos, "transform("),
    "invert": (operator.invert, "transform("),
    "abs": (abs, "transform("),
    "round": (round, "transform("),
    "floor": (math.floor, "transform("),
    "ceil": (math.ceil, "transform("),
    "trunc": (math.trunc, "transform("),
    "divmod": (lambda p: divmod(p, 2), "transform("),
    "rdivmod": (lambda p: divmod(2, p), "transform("),
    "del item": (lambda p: operator.delitem(p, 0), "transform("),
    "set item": (lambda p: operator.setitem(p, 0, 1), "Return a new value"),
    "set attribute": (lambda p: setattr(p, "name", 1), "Return a new value"),
    "del attribute": (lambda p: delattr(p, "name"), "Return a new value"),
    "placeholder as key": (lambda p: p[p], "transform("),
    "with": (lambda p: p.__enter__ if False else type(p).__enter__(p), "Open it in a step"),
    **{
        f"binary {name}": (lambda p, apply=apply: apply(p, 2), "transform(")
        for name, apply in vars(operator).items()
        if name in {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift"}
    },
    **{
        f"reflected {name}": (lambda p, apply=apply: apply(2, p), "transform(")
        for name, apply in vars(operator).items()
        if name in {"add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "rshift"}
    },
    **{
        f"in place {name}": (lambda p, apply=apply: apply(p, 2), "transform(")
        for name, apply in vars(operator).items()
        if name in {"iadd", "isub", "imul", "itruediv", "imod", "ior", "iand"}
    },
}  # fmt: skip


@pytest.mark.parametrize(("attempt", "advice"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_names_the_place_and_gives_an_advice(attempt, advice):
    with pytest.raises(CompositionError) as caught:
        attempt(Placeholder(Output(INPUT)))
    assert f"{HERE}:" in caught.value.message
    assert "on a placeholder" in caught.value.message
    assert advice in caught.value.hint


def test_the_line_is_the_one_in_the_composer():
    line = 0

    def compose(name: str) -> str:
        nonlocal line
        line = inspect.currentframe().f_lineno + 1
        return name + "!"

    with pytest.raises(CompositionError, match=rf"{HERE}:") as caught:
        workflow("w")(compose)
    assert f"{HERE}:{line}: +" in str(caught.value)


def test_attributes_and_items_are_placeholders_again():
    value = Placeholder(Output("order")).lines[0]["price"]
    order = type("Order", (), {"lines": [{"price": 7}]})
    assert expression_of(value).evaluate({"order": order}) == 7
    assert sources(expression_of(value)) == {"order"}
    assert "order" in repr(value)


def test_a_private_protocol_of_python_is_not_an_attribute():
    with pytest.raises(AttributeError):
        _ = Placeholder(Output("x")).__deepcopy__


@dataclass(frozen=True)
class Line:
    item: str
    amount: int = 1


class Parcel(msgspec.Struct):
    item: str
    weight: int


Pair = namedtuple("Pair", ["left", "right"])  # noqa: PYI024 -- an untyped one is looked into as well


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda p: [p, 1], ["tea", 1]),
        (lambda p: (1, [p]), (1, ["tea"])),
        (lambda p: {"a": {"b": p}}, {"a": {"b": "tea"}}),
        (lambda p: Line(p, 3), Line("tea", 3)),
        (lambda p: [Line(p)], [Line("tea")]),
        (lambda p: Parcel(p, 3), Parcel("tea", 3)),
        (lambda p: Pair(1, p), Pair(1, "tea")),
    ],
)
def test_containers_are_looked_into(make, wanted):
    value = expression_of(make(Placeholder(Output("x")))).evaluate({"x": "tea"})
    assert value == wanted
    assert type(value) is type(wanted)


class Opaque:
    def __init__(self, inside):
        self.inside = inside


class Names(list):
    pass


@pytest.mark.parametrize("make", [Opaque, lambda p: Names([p]), lambda p: type("D", (dict,), {})(a=p)])
def test_a_placeholder_in_an_object_that_is_not_looked_into_is_refused(make):
    with pytest.raises(CompositionError, match="keeps a placeholder inside"):
        expression_of(make(Placeholder(Output("x"))))


def test_a_container_without_placeholders_stays_the_object_it_is():
    line, lines = Line("tea"), [1, 2]
    assert expression_of(line).evaluate({}) is line
    assert expression_of(lines).evaluate({}) is lines


@step
def count(name: str) -> int:
    return len(name)


def test_a_function_that_captures_a_placeholder_is_refused():
    def compose(name: str) -> int:
        return transform(lambda length: [length, name], count(name))

    with pytest.raises(
        CompositionError, match=rf"{HERE}:\d+: the function given to transform uses a placeholder"
    ) as caught:
        workflow("w")(compose)
    assert "Pass it as an argument" in caught.value.hint


def test_a_default_that_is_a_placeholder_is_refused_too():
    def compose(name: str) -> int:
        return transform(lambda length, name=name: [length, name], count(name))

    with pytest.raises(CompositionError, match="uses a placeholder from around it"):
        workflow("w")(compose)
