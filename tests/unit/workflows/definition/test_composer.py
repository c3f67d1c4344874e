"""What composers may say, and what they may not."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from euryale.workflows import (
    CompositionError,
    DefinitionError,
    emit,
    inject,
    parallelize,
    step,
    transform,
    when,
    workflow,
)
from euryale.workflows.definition.nodes import ChildNode, ChoiceNode, EmitNode, ParallelNode, StepNode

HERE = Path(__file__).name


@step
def a(value: str) -> str:
    return value


@step
def b(value: str) -> str:
    return value


@step
def two(left: str, right: str = "r") -> str:
    return left + right


@dataclass
class Request:
    name: str
    size: int


def only_a(value: str) -> str:
    return a(value)


def plan_of(compose, name="w"):
    return workflow(name)(compose).plan


def shape(block):
    """Return a block's ids, nested as its branches are."""
    shapes = []
    for node in block:
        match node:
            case ParallelNode(branches=branches):
                shapes.append([shape(branch) for branch in branches])
            case ChoiceNode(then=then, otherwise=otherwise):
                shapes.append({node.id: (shape(then), shape(otherwise))})
            case _:
                shapes.append(node.id)
    return tuple(shapes)


def test_calls_stand_in_the_order_in_which_they_are_made():
    def compose(value: str) -> str:
        return b(a(value))

    plan = plan_of(compose)
    assert shape(plan.body) == ("a", "b")
    assert plan.nodes["b"].arguments[0][1].node == "a"
    assert (plan.input_type, plan.output_type) == (str, str)


def test_a_step_used_again_is_numbered_or_named():
    def compose(value: str) -> str:
        return a.named("again")(a(a(a(value))))

    assert shape(plan_of(compose).body) == ("a", "a#2", "a#3", "again")


def test_arguments_are_bound_by_position_and_by_name_without_defaults():
    def compose(value: str) -> str:
        return two(right=two(value), left="x")

    plan = plan_of(compose)
    assert [name for name, _ in plan.nodes["two"].arguments] == ["left"]
    assert dict(plan.nodes["two#2"].arguments)["left"].value == "x"


def no_arguments(_):
    return two()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (no_arguments, "without left"),
        (lambda v: two(right=v), "without left"),
        (lambda v: two(v, v, v), "too many positional arguments"),
        (lambda v: two(v, wrong=v), "unexpected keyword argument 'wrong'"),
        (lambda v: two(v, left=v), "multiple values for argument 'left'"),
    ],
)
def test_wrong_arguments_are_told_at_once_with_their_place(call, message):
    with pytest.raises(CompositionError, match=message) as caught:
        plan_of(call)
    assert f"{HERE}:" in str(caught.value)


def test_what_is_injected_is_not_asked_of_the_composer():
    @step
    async def use(name: str, *, clock: dict = inject()) -> str:
        return name

    def compose(value: str) -> str:
        return use(value)

    assert shape(plan_of(compose).body) == ("use",)


def test_a_step_outside_of_a_composer_says_where_it_may_be_called():
    with pytest.raises(CompositionError, match=rf"{HERE}:\d+: step 'a' called outside") as caught:
        a("x")
    assert "step.function" in caught.value.hint
    assert a.function("x") == "x"


@pytest.mark.parametrize(
    "call",
    [
        lambda: parallelize(lambda: 1, lambda: 2),
        lambda: emit("x"),
        lambda: when(1, bool).then(lambda: 1),
        workflow("child")(lambda: None),
    ],
)
def test_nothing_else_is_composed_outside_either(call):
    with pytest.raises(CompositionError, match="outside of a workflow's composer"):
        call()


def test_a_failed_composer_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        plan_of(lambda v: a(v) and 1 / 0 if False else 1 / 0)
    with pytest.raises(CompositionError, match="outside"):
        a("x")


# --- parallelize -----------------------------------------------------------------------------------------------------


def test_branches_are_calls_or_functions_and_give_their_values_in_order():
    def compose(value: str) -> str:
        first = a(value)
        left, right, constant = parallelize(a(first), lambda: b(a(first)), lambda: "c")
        return two(left, right) if constant == "c" else ""

    assert shape(plan_of(compose).body) == ("a", [("a#2",), ("a#3", "b"), ()], "two")


def test_what_is_called_inside_a_later_argument_belongs_to_that_branch():
    def compose(value: str) -> str:
        left, _, _ = parallelize(b(a(value)), two(a(value), right=b(value)), lambda: b(a(value)))
        return left

    assert shape(plan_of(compose).body) == ("a", [("b",), ("a#2", "b#2", "two"), ("a#3", "b#3")])


def test_branches_nest():
    def inner(value):
        left, right = parallelize(a(value), b(value))
        return two(left, right)

    def compose(value: str) -> str:
        left, _ = parallelize(lambda: inner(value), lambda: inner(value))
        return left

    one = [("a",), ("b",)]
    assert shape(plan_of(compose).body) == ([(one, "two"), ([("a#2",), ("b#2",)], "two#2")],)


def test_a_workflow_may_be_a_branch():
    child = workflow("child")(only_a)

    def compose(value: str) -> str:
        left, _ = parallelize(child(value), b(value))
        return left

    assert shape(plan_of(compose).body) == ([("child",), ("b",)],)


def twice(value):
    made = a(value)
    return parallelize(made, made)


def earlier(value):
    made = a(value)
    b(value)
    return parallelize(made, b(value))


def beside(value):
    made = a(value)
    return parallelize(made, lambda: b(made))


def after(value):
    return parallelize(a(value), lambda: 1, *[b(value)][:0], on_failure=["wait", b(value)][0])


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (lambda v: parallelize(v, a(v)), "takes calls of steps or workflows made for it"),
        (lambda v: parallelize(a(v).name, b(v)), "takes calls of steps or workflows made for it"),
        (twice, "takes calls of steps or workflows made for it"),
        (lambda v: parallelize("x", a(v)), "cannot run 'x'"),
        (lambda v: parallelize(transform(str, a(v)), b(v)), "takes calls of steps or workflows made for it"),
        (beside, "needs the output of a, which runs beside it"),
        (after, "'b#2' was called after the calls that run in parallel"),
    ],
)
def test_what_cannot_run_in_parallel_is_refused(compose, message):
    with pytest.raises(CompositionError, match=message) as caught:
        plan_of(compose)
    assert f"{HERE}:" in str(caught.value)


def test_a_call_between_the_branches_belongs_to_the_later_one():
    assert shape(plan_of(earlier).body) == ([("a",), ("b", "b#2")],)


def test_a_step_beside_must_not_be_needed_through_a_nested_group():
    def compose(value: str) -> None:
        made = a(value)
        parallelize(made, lambda: parallelize(lambda: b(made), lambda: b(value)))

    with pytest.raises(CompositionError, match="needs the output of a, which runs beside it"):
        plan_of(compose)


# --- when ------------------------------------------------------------------------------------------------------------


def test_sides_nest_and_give_the_value_of_the_one_taken():
    def compose(value: str) -> str:
        made = a(value)
        return (
            when(made, bool)
            .then(lambda: when(made, len).then(lambda: b(made)).otherwise(lambda: "short"))
            .otherwise(lambda: a(value))
        )

    plan = plan_of(compose)
    assert shape(plan.body) == ("a", {"when": (({"when#2": (("b",), ())},), ("a#2",))})
    assert plan.result.evaluate({"when": True, "when#2": True, "b": "B"}) == "B"
    assert plan.result.evaluate({"when": True, "when#2": False}) == "short"
    assert plan.result.evaluate({"when": False, "a#2": "A"}) == "A"
    assert plan.result.evaluate({}) is None


def test_a_single_side_gives_none_when_it_is_not_taken():
    plan = plan_of(lambda value: when(value, bool).then(lambda: a(value)).result)
    assert plan.result.evaluate({"when": False}) is None
    assert plan.result.evaluate({"when": True, "a": "A"}) == "A"


def test_otherwise_follows_its_then_directly():
    def compose(value: str) -> None:
        side = when(value, bool).then(lambda: a(value))
        b(value)
        side.otherwise(lambda: b(value))

    with pytest.raises(CompositionError, match=r"otherwise\(...\) must follow its then"):
        plan_of(compose)


@pytest.mark.parametrize("compose", [lambda v: when(v, late).then(lambda: 1), lambda v: transform(late, v)])
def test_a_coroutine_function_neither_decides_nor_computes(compose):
    with pytest.raises(CompositionError, match="takes a plain"):
        plan_of(compose)


async def late(value):
    return value


# --- emit, children, workflows ---------------------------------------------------------------------------------------


def test_events_are_nodes_of_their_own():
    def compose(value: str) -> None:
        emit("made", {"name": value})
        emit("made")

    plan = plan_of(compose)
    assert shape(plan.body) == ("emit:made", "emit:made#2")
    assert all(isinstance(node, EmitNode) for node in plan.body)


def test_a_child_takes_one_value_or_none():
    nothing = workflow("nothing")(lambda: None)
    some = workflow("some")(only_a)
    plan = plan_of(lambda value: [nothing(), some(value), some(value)])
    assert shape(plan.body) == ("nothing", "some", "some#2")
    assert all(isinstance(node, ChildNode) for node in plan.body)


def test_a_record_made_in_the_composer_is_the_childs_input():
    def named(request: Request) -> str:
        return a(request.name)

    child = workflow("child")(named)
    plan = plan_of(lambda value: child(Request(value, 3)))
    assert plan.nodes["child"].input.evaluate({"": "x"}) == Request("x", 3)


def test_the_composer_runs_once():
    runs = []

    @workflow("w")
    def compose(value: str) -> str:
        """Do it.

        And more.
        """
        runs.append(value)
        return a(value)

    assert (len(runs), compose.plan.title, compose.name) == (1, "Do it.", "w")
    assert isinstance(compose.plan.nodes["a"], StepNode)


async def async_composer(value: str) -> str:
    return value


def two_parameters(left: str, right: str) -> str:
    return left + right


def unknown_annotation(value: "Nowhere") -> None:  # noqa: F821 -- that it is unknown is the test
    return None


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (async_composer, "is async"),
        (two_parameters, "takes several parameters"),
        (unknown_annotation, "'Nowhere' is not defined"),
    ],
)
def test_a_composer_that_cannot_work_is_refused(compose, message):
    with pytest.raises(DefinitionError, match=message):
        plan_of(compose)
