"""A plan's description and fingerprint."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest

from euryale.kit.secret import Secret
from euryale.workflows import emit, parallelize, step, transform, when, workflow
from euryale.workflows.definition.plan import Plan


@step
def a(value: str, times: object = 1) -> str:
    return value


@step
def b(value: str) -> str:
    return value


@step
def anything(value: object) -> str:
    return str(value)


@dataclass(frozen=True)
class Size:
    width: int


def upper(value: str) -> str:
    return value.upper()


def plan_of(compose: Callable[[str], object], version: int = 1) -> Plan:
    return workflow("w", version=version)(compose).plan


def everything(value: str) -> str:
    left, _ = parallelize(a(value), b(value), on_failure="cancel")
    made = when(left, bool).then(lambda: a(left)).otherwise(lambda: child(left))
    emit("made", {"name": made, "size": Size(3)})
    return transform(upper, made)


@workflow("child")
def child(value: str) -> str:
    return b(value)


def test_a_plan_is_described_as_json():
    described = plan_of(everything).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["body"][0] == {
        "kind": "parallel",
        "id": "parallel",
        "on_failure": "cancel",
        "branches": [
            [{"kind": "step", "id": "a", "step": "a", "arguments": {"value": "$"}}],
            [{"kind": "step", "id": "b", "step": "b", "arguments": {"value": "$"}}],
        ],
    }
    assert described["body"][1]["otherwise"] == [
        {"kind": "child", "id": "child", "workflow": "child", "version": 1, "input": "$a"}
    ]
    assert described["body"][2]["data"] == {
        "name": described["result"]["arguments"][0],
        "size": {"width": {"constant": 3}},
    }
    assert described["result"]["function"] == "upper"


def test_the_same_composer_has_the_same_fingerprint():
    assert plan_of(everything).hash == plan_of(everything).hash
    assert len(plan_of(everything).hash) == 16


def variants() -> list[Callable[[str], object]]:
    return [
        lambda v: a(v),  # noqa: PLW0108 -- a composer is a function of its own
        lambda v: b(v),  # noqa: PLW0108 -- a composer is a function of its own
        lambda v: a(a(v)),
        lambda v: a.named("c")(v),  # noqa: PLW0108 -- a composer is a function of its own
        lambda v: a(v).name,
        lambda v: a(v)[0],
        lambda v: a(v, 2),
        lambda v: a(v, [1, 2]),
        lambda v: a(v, [1, 3]),
        lambda v: a(v, {"k": Size(1)}),
        lambda v: a(v, {"k": Size(2)}),
        lambda v: parallelize(a(v), b(v)),
        lambda v: parallelize(b(v), a(v)),
        lambda v: parallelize(a(v), b(v), on_failure="cancel"),
        lambda v: child(v),  # noqa: PLW0108 -- a composer is a function of its own
        lambda v: emit("x", v),
        lambda v: emit("y", v),
        lambda v: when(v, bool).then(lambda: a(v)).result,
        lambda v: when(v, bool).then(lambda: a(v)).otherwise(lambda: b(v)),
        lambda v: transform(upper, a(v)),
        lambda v: transform(len, a(v)),
    ]


def test_every_change_of_structure_changes_the_fingerprint():
    hashes = [plan_of(compose).hash for compose in variants()]
    assert len(set(hashes)) == len(hashes)
    assert plan_of(variants()[0], version=2).hash not in hashes


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Colour.RED, Colour.BLUE),
        (Decimal("1.0"), Decimal("1.00")),
        (date(2026, 1, 1), date(2026, 1, 2)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC)),
        (time(1), time(2)),
        (timedelta(1), timedelta(2)),
        (UUID(int=1), UUID(int=2)),
        (Path("a"), Path("b")),
        (b"a", b"b"),
        (b"a", "a"),
        ({"x"}, {"y"}),
        ((1, Colour.RED), (1, Colour.BLUE)),
    ],
)
def test_so_does_every_change_of_a_constant(before, after):
    def composer(constant):
        return lambda: [anything(constant)]

    one, same, other = (plan_of(composer(each)) for each in (before, before, after))
    assert one.hash == same.hash != other.hash


def test_a_set_is_described_alike_in_each_process():
    described = plan_of(lambda: [anything({"b", "a", "c"})]).describe()["body"][0]["arguments"]["value"]
    assert described == {"set": [{"constant": "a"}, {"constant": "b"}, {"constant": "c"}]}


def test_a_change_of_limits_does_not():
    def compose(value: str) -> str:
        return a.named("a", timeout=5)(value)

    assert plan_of(compose).hash == plan_of(variants()[0]).hash


def test_another_name_of_the_composer_does_not():
    def compose(value: str) -> str:
        return when(value, lambda value: value != "").then(lambda: a(value)).result

    def compose_v1(value: str) -> str:
        return when(value, lambda value: value != "").then(lambda: a(value)).result

    assert plan_of(compose).hash == plan_of(compose_v1).hash


def test_a_secret_constant_is_not_described():
    def compose(value: str) -> str:
        return a(value, {"key": Secret("hunter2hunter2")})

    assert "hunter2" not in json.dumps(plan_of(compose).describe())


def test_nodes_are_known_by_id_in_composition_order():
    assert list(plan_of(everything).nodes) == ["parallel", "a", "b", "when", "a#2", "child", "emit:made"]
