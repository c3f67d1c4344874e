"""What annotations say of values that do not exist yet."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pydantic
import pytest

from euryale.workflows import CompositionError, Signal, step, wait_for, workflow
from euryale.workflows.definition.annotations import attribute_type, can_be, item_type, name_of


@dataclass
class Line:
    article: str
    count: int

    @property
    def heavy(self) -> bool:
        return self.count > 1


@dataclass(slots=True)
class Order:
    line: Line
    lines: list[Line]
    by_name: dict[str, Line]
    note: Line | None = None


class Struct(msgspec.Struct):
    line: Line


class Model(pydantic.BaseModel):
    line: Line


class Open(pydantic.BaseModel, extra="allow"):
    line: Line


class Row(NamedTuple):
    line: Line


@dataclass
class Bill:
    line: Line

    def __post_init__(self) -> None:
        self._add_up()

    def _add_up(self) -> None:
        self.sum = self.line.count


@dataclass(frozen=True)
class Receipt:
    line: Line

    def __post_init__(self) -> None:
        object.__setattr__(self, "sum", self.line.count)


class Parcel(msgspec.Struct, dict=True):
    line: Line

    def __post_init__(self) -> None:
        self.weight = self.line.count


class Package(pydantic.BaseModel):
    line: Line
    _weight: int = 3

    @pydantic.computed_field
    @property
    def heavy(self) -> bool:
        return self._weight > 1


class Anything:
    def __getattr__(self, name):
        return name


@dataclass
class Made:
    line: Line

    def __getattr__(self, name):
        return name


@dataclass
class Unreadable:
    line: "Line"
    other: "NoSuchType"  # noqa: F821 -- it exists for a type checker only


@pytest.mark.parametrize("owner", [Order, Struct, Model, Row, Order | None])
def test_a_records_attributes_have_the_types_of_its_fields(owner):
    assert attribute_type(owner, "line") is Line
    with pytest.raises(LookupError, match="line"):
        attribute_type(owner, "lime")


@pytest.mark.parametrize("owner", [Any, Open, Anything, Made, int | str, dict[str, int], Line | Order | None])
def test_what_may_have_any_attribute_is_not_asked(owner):
    assert attribute_type(owner, "lime") is Any


def test_what_is_no_field_is_of_any_type():
    assert attribute_type(Line, "heavy") is Any
    assert attribute_type(Package, "heavy") is Any
    assert attribute_type(Package, "_weight") is Any
    assert attribute_type(Unreadable, "line") is Any


@pytest.mark.parametrize(("owner", "name"), [(Bill, "sum"), (Receipt, "sum"), (Parcel, "weight")])
def test_what_is_set_when_a_record_is_made_is_of_any_type(owner, name):
    assert attribute_type(owner, name) is Any
    with pytest.raises(LookupError):
        attribute_type(owner, "lime")


def test_items_are_of_their_containers_type():
    assert item_type(attribute_type(Order, "lines"), 0) is Line
    assert item_type(attribute_type(Order, "by_name"), "tea") is Line
    assert item_type(Any, 0) is Any
    assert item_type(tuple[Line, int], 1) is Any


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("x", str),
        (1, int),
        (1, float),
        (True, int),
        ("x", Any),
        (None, None),
        (None, Line | None),
        (None, Any),
        (None, object),
        (Line("a", 1), str),
        ("x", Line),
        (1, int | None),
        ("x", Anything),
        (None, type(None)),
    ],
)
def test_a_literal_that_fits_or_of_which_that_cannot_be_told_is_let_through(value, wanted):
    assert can_be(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("5", int), (5, str), (1.5, int), ([], str), (None, str), (None, Line), (None, list[int]), (None, list)],
)
def test_a_literal_that_can_never_fit_is_told(value, wanted):
    assert not can_be(value, wanted)


def test_types_are_named_as_they_are_written():
    class Inner:
        class Part: ...

    assert name_of(Line) == "Line"
    assert name_of(Inner.Part) == "Inner.Part"
    assert name_of(list[int]) == "list[int]"


@step
def load(order: str) -> Order:
    line = Line(order, 1)
    return Order(line, [line], {order: line})


@step
def count(line: Line) -> int:
    return line.count


@workflow("child")
def child(order: str) -> Order:
    return load(order)


@pytest.mark.parametrize(
    "compose",
    [
        lambda: load("x").lime,
        lambda: load("x").line.artikle,
        lambda: load("x").lines[0].artikle,
        lambda: child("x").lime,
        lambda: wait_for(Signal("go", Order)).lime,
    ],
)
def test_an_attribute_that_cannot_be_is_refused_in_its_line(compose):
    with pytest.raises(CompositionError, match=r"test_annotations.py:\d+: (Order|Line) has no attribute") as told:
        workflow("w")(compose)
    assert "Did you mean" in told.value.message
    assert told.value.hint.startswith("It has ")


def test_an_inputs_attribute_that_cannot_be_is_refused():
    def compose(order: Order) -> int:
        return count(order.lyne)

    with pytest.raises(CompositionError, match=r"Order has no attribute 'lyne'\. Did you mean 'line'\?"):
        workflow("w")(compose)


def test_a_placeholder_of_another_workflow_is_refused():
    kept = []

    @workflow("first")
    def first(order: Order) -> int:
        kept.append(order)
        return count(order.line)

    def compose() -> int:
        return count(kept[0].line)

    with pytest.raises(CompositionError, match=r"py:\d+: workflow 'second' uses .* of workflow 'first'"):
        workflow("second")(compose)
    with pytest.raises(CompositionError, match="of workflow 'first'"):
        workflow("second")(lambda: count(kept[0]))
