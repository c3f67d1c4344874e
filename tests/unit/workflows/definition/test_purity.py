"""Functions that a composer hands over, to be called with values later."""

from functools import partial
from pathlib import Path

import pytest

from euryale.workflows import CompositionError, step, transform, when, workflow

HERE = Path(__file__).name


@step
def charge(amount: int) -> int:
    return amount


class Bill:
    charge = 3


async def later(amount: int) -> int:
    return amount


def of_its_own_variable(amount):
    charge = amount + 1  # which a step of this module is called, too
    return charge + sum(charge * each for each in range(amount)) + max(range(amount), key=lambda each: charge - each)


@pytest.mark.parametrize(
    ("compose", "message", "advice"),
    [
        (
            lambda x: transform(lambda a, b: a + b, x),
            "is called with 1 value: missing a required argument: 'b'",
            "in their order",
        ),
        (lambda x: transform(lambda: 1, x), "is called with 1 value: too many positional arguments", "in their order"),
        (lambda x: when(x, lambda a, b: a > b), "given to when is called with 1 value:", r"when\(\(value, other\)"),
        (lambda x: when(3, lambda a: a > x), "uses a placeholder from around it", r"when\(\(value, other\)"),
        (lambda x: transform(lambda a: charge(a), x), "uses <step charge>", "Call it in the composer"),  # noqa: PLW0108
        (lambda x: transform(lambda a: [charge, a], x), "uses <step charge>", "Call it in the composer"),
        (lambda x: transform(lambda a: [charge(each) for each in a], x), "uses <step charge>", "Call it in"),
        (lambda x: transform(lambda a: list(map(lambda each: charge(each), a)), x), "uses <step", "Call it in"),  # noqa: C417, PLW0108 -- it is what is refused
        (lambda x: transform(lambda a, b: a + b, x, x, x), "with 3 values: too many", "in their order"),
        (lambda x: transform(partial(max, x), 1), "uses a placeholder from around it", "Pass it as an argument"),
        (lambda x: transform(partial(max, key=x), 1), "uses a placeholder from around it", "Pass it as an argument"),
        (lambda x: transform(partial(lambda a: x), 1), "uses a placeholder from around it", "Pass it as an argument"),  # noqa: ARG005 -- it uses another
        (lambda x: transform(later, x), "transform takes a plain function", "Make it a step"),
        (lambda x: when(x, later), "when takes a plain function", "Ask in a step"),
    ],
)
def test_what_could_only_fail_later_is_refused_in_its_line(compose, message, advice):
    with pytest.raises(CompositionError, match=message) as refused:
        workflow("w")(compose)
    assert refused.value.message.startswith(str(Path(__file__)))
    with pytest.raises(CompositionError, match=advice):
        raise refused.value


def test_a_step_from_around_the_composer_is_seen_too():
    inner = charge.named("inner")
    with pytest.raises(CompositionError, match="uses <step inner>"):
        workflow("w")(lambda x: transform(lambda a: inner(a), x))  # noqa: PLW0108 -- it is what is refused
    with pytest.raises(CompositionError, match="uses <step inner>"):
        workflow("w")(lambda x: transform(lambda a: [inner(each) for each in a], x))


def test_a_variable_that_is_assigned_later_is_no_placeholder():
    def compose(amount: int) -> int:
        doubled = transform(lambda value: value * factor, amount)
        factor = 2
        return charge(doubled)

    assert workflow("w")(compose).plan


@pytest.mark.parametrize(
    "compose",
    [
        lambda x: transform(str, x),
        lambda x: transform(lambda *each: len(each), x, x),
        lambda x: transform(lambda a, b=2: a + b, x),
        lambda x: transform(lambda a: charge.function(a), x),  # noqa: PLW0108 -- it names the step
        lambda x: transform(lambda a: a.charge, x),
        lambda x: transform(of_its_own_variable, x),
        lambda x: transform(partial(max, 1), x),
        lambda x: when(x, bool).then(lambda: charge(x)).result,
    ],
)
def test_what_can_be_called_is_let_through(compose):
    assert workflow("w")(compose).plan
