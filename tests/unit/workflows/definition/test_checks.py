"""What is given to a definition, and cannot be right, is refused where it stands, by the argument's name."""

from datetime import timedelta

import pytest

from euryale.workflows import (
    CompositionError,
    DefinitionError,
    Queue,
    Rate,
    Schedule,
    for_each,
    step,
    when,
    workflow,
)
from euryale.workflows.definition.checks import (
    check_count,
    check_each,
    check_function,
    check_seconds,
    check_type,
    is_duration,
    is_number,
    is_whole,
    seconds,
    seconds_or_none,
    takes,
)


@step
def work(value: int) -> int:
    return value


@workflow("worked")
def worked(value: int) -> int:
    return work(value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": 5}, "name=5 is not a text"),
        ({"concurrency": "4"}, "concurrency='4' is not a whole number of at least 1"),
        ({"concurrency": 2.5}, "concurrency=2.5 is not a whole number"),
        ({"concurrency": True}, "concurrency=True is not a whole number"),
        ({"worker_concurrency": "1"}, "worker_concurrency='1' is not a whole number"),
        ({"key": "environment"}, "key='environment' is not a function of the input. Give it a key, such as key=lambda"),
        ({"key": str, "key_concurrency": 1.0}, "key_concurrency=1.0 is not a whole number"),
        ({"rate": 100}, "rate=100 is not a rate. Write rate=Rate(10, per=60)"),
    ],
)
def test_a_queue_is_made_of_the_right_types(settings, said):
    with pytest.raises(DefinitionError) as refused:
        Queue(**{"name": "q", **settings})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("limit", "per", "said"),
    [
        (5, "1m", "per='1m' is not seconds, or a timedelta. A minute is 60."),
        ("5", 1, "limit='5' is not a whole number"),
        (2.5, 1, "limit=2.5 is not a whole number"),
    ],
)
def test_a_rate_is_made_of_the_right_types(limit, per, said):
    with pytest.raises(DefinitionError) as refused:
        Rate(limit, per=per)
    assert said in str(refused.value)
    assert Rate(5, per=timedelta(minutes=1)).seconds == 60


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"workflow": "worked"}, "workflow='worked' is not a workflow"),
        ({"workflow": work}, "workflow=<step work> is not a workflow"),
        ({"every": "5m"}, "every='5m' is not seconds, or a timedelta. Five minutes are 300."),
        ({"every": None, "cron": 5}, "cron=5 is not a text"),
        ({"every": None, "cron": "0 3 * * *", "timezone": None}, "timezone=None is not an IANA name"),
        ({"jitter": "1"}, "jitter='1' is not seconds, or a timedelta"),
        ({"catch_up_limit": "3"}, "catch_up_limit='3' is not a whole number"),
        ({"priority": "high"}, "priority='high' is not a whole number"),
        ({"deduplicate": 7}, "deduplicate=7 is not a text"),
        ({"input": lambda: 1}, "is not a function of one parameter, the tick. Write lambda tick: ..."),
        ({"input": lambda tick, zone: 1}, "is not a function of one parameter, the tick"),  # noqa: ARG005 -- too many
        ({"name": 7}, "7 cannot be the name of a schedule"),
    ],
)
def test_a_schedule_is_made_of_the_right_types(details, said):
    with pytest.raises(DefinitionError) as refused:
        Schedule(**{"name": "s", "workflow": worked, "input": 1, "every": 60, **details})
    assert said in str(refused.value)


def test_any_function_of_the_tick_makes_an_input():
    for made in (lambda tick: tick.hour, lambda tick, days=1: (tick, days), lambda *_: 1, int):
        assert Schedule("s", worked, made, every=60).input is made


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: step("create-database"), "function='create-database' is not a function. Give a step a name by @step("),
        (lambda: workflow("w", queue="q"), "queue='q' is not a queue"),
    ],
)
def test_a_decorator_refuses_what_is_none_of_its_own(declare, said):
    with pytest.raises(DefinitionError) as refused:
        declare()
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("compose", "said"),
    [
        (lambda items: for_each(items, work, concurrency="2"), "concurrency='2'"),
        (lambda items: for_each(items, work, concurrency=1.5), "concurrency=1.5"),
        (
            lambda items: when(items, bool).then(lambda found: work(found)).result,  # noqa: PLW0108 -- what is written
            "then takes a function without parameters",
        ),
    ],
)
def test_a_composer_names_the_argument_and_the_line(compose, said):
    with pytest.raises(CompositionError) as refused:
        workflow("composed")(compose)
    assert said in str(refused.value)
    assert f"{__file__}:" in str(refused.value)


def test_a_side_is_composed_by_any_function_that_needs_nothing():
    @workflow("sides")
    def sides(value: int) -> int:
        return when(value, bool).then(lambda extra=1: work(extra)).otherwise(lambda: work(2))

    assert [*sides.plan.nodes] == ["when", "work", "work#2"]


def test_a_check_lets_pass_what_is_right():
    check_type("a", str, "f: a", "a text")
    check_function(len, "f: a", "a function")
    check_count(0, "f: a", least=0)
    check_seconds(0, "f: a", zero=True)
    check_seconds(0.1, "f: a")
    assert check_each(iter([1, 2]), int, "f: a", "number") == (1, 2)
    assert [is_whole(each) for each in (1, True, 1.0)] == [True, False, False]
    assert [is_number(each) for each in (1, 1.5, True, timedelta(1))] == [True, True, False, False]
    assert [is_duration(each) for each in (1, 1.5, timedelta(1), True, "1")] == [True, True, True, False, False]
    assert takes(type, 1)  # it tells no signature


@pytest.mark.parametrize("wrong", [0, -1, "15", None, True, float("nan"), timedelta(1)])
def test_seconds_are_a_number_above_0(wrong):
    with pytest.raises(DefinitionError, match=r"f: a=.* is not a number of seconds above 0"):
        check_seconds(wrong, "f: a")


def test_a_duration_is_given_either_way():
    assert [seconds(each, "f: a") for each in (0, 1.5, timedelta(minutes=1))] == [0, 1.5, 60]
    assert seconds_or_none(None, "f: a") is None
    assert seconds_or_none(timedelta(1), "f: a") == 86400


@pytest.mark.parametrize("wrong", [-1, "15", True, None, float("nan"), timedelta(seconds=-1)])
def test_what_is_no_duration_is_refused(wrong):
    with pytest.raises(DefinitionError, match=r"f: a=.*: give seconds from 0 up, or a timedelta\."):
        seconds(wrong, "f: a")


@pytest.mark.parametrize("wrong", ["ab", 5, None])
def test_a_list_is_a_list(wrong):
    with pytest.raises(DefinitionError, match=r"f: a=.* is not a list of numbers"):
        check_each(wrong, int, "f: a", "number")


def test_an_item_of_a_list_is_named_by_its_place():
    with pytest.raises(DefinitionError, match=r"f: a\[1\]='b' is not a number"):
        check_each([1, "b"], int, "f: a", "number")
