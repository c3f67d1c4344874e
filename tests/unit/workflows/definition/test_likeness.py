"""Two workflows of one graph, and whether the same functions are behind their steps."""

import functools

import pytest

from euryale.workflows import DefinitionError, Engine, emit, for_each, step, transform, when, workflow
from euryale.workflows.stores.memory import MemoryStore


def mail(to: str) -> str:
    return f"mailed {to}"


def sms(to: str) -> str:
    return f"texted {to}"


def sending(function, undo=None):
    send = step(name="send")(function)
    if undo:
        send.compensate(undo)

    @workflow("notify")
    def notify(to: str) -> str:
        return send(to)

    return notify


def sending_to_each(function):
    send = step(name="send")(function)

    @workflow("notify")
    def notify(to: list[str]) -> list[str]:
        return for_each(to, send)

    return notify


def unsend(undo: str | None) -> None: ...


def forget(undo: str | None) -> None: ...


@pytest.mark.parametrize(
    "both",
    [
        lambda: (sending(mail), sending(sms)),
        lambda: (sending_to_each(mail), sending_to_each(sms)),
        lambda: (sending(mail, unsend), sending(mail, forget)),
        lambda: (sending(mail), sending(mail, forget)),
    ],
)
def test_other_functions_under_one_name_are_refused_with_both_places(both):
    assert_refused(*both(), "at step '.*send'")


def composing(compose):
    return workflow("notify")(compose)


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (
            lambda to: when(to, lambda each: each != "").then(lambda: to).result,
            lambda to: when(to, lambda each: each == "").then(lambda: to).result,
            "at 'when'",
        ),
        (
            lambda to: transform(lambda each: each + "!", to),
            lambda to: transform(lambda each: each, to),
            "in the resul",
        ),
        (
            lambda to: [emit("sent", {"to": transform(lambda each: each + "!", to)})],
            lambda to: [emit("sent", {"to": transform(lambda each: each, to)})],
            "at 'emit:sent'",
        ),
        (
            lambda to: [transform(lambda each: each + "!", to[0].name)],
            lambda to: [transform(lambda each: each, to[0].name)],
            "in the result",
        ),
    ],
)
def test_so_are_other_predicates_and_transforms(one, other, place):
    assert_refused(composing(one), composing(other), place)


def assert_refused(one, other, where):
    assert one.plan.hash == other.plan.hash
    place = r"test_likeness.py:\d+"
    with pytest.raises(DefinitionError, match=rf"different functions {where}.* 'notify' version 1: .*{place}"):
        Engine(MemoryStore(), workflows=[one, other])


def made_again():
    def send(to: str) -> str:
        return f"sent {to}"

    return sending(send)


def wrapped():
    @functools.wraps(mail)
    def watched(*args: str) -> str:
        return mail(*args)

    return sending(watched)


def decided():
    limit = len(mail("x"))
    return composing(lambda to: when(to, lambda each: len(each) > limit).then(lambda: to).result)


@pytest.mark.parametrize(
    ("one", "other"), [(made_again, made_again), (lambda: sending(mail), wrapped), (decided, decided)]
)
def test_the_same_functions_made_again_are_accepted(one, other):
    Engine(MemoryStore(), workflows=[one(), other()])


def test_different_plans_are_refused_with_both_places():
    @workflow("notify")
    def notify(to: str) -> str:
        return to

    with pytest.raises(DefinitionError, match=r"Two different plans .*test_likeness.py:\d+ and .*test_likeness.py:\d+"):
        Engine(MemoryStore(), workflows=[sending(mail), notify])
