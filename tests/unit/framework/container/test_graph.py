"""The graph is refused before anything is made, with a picture of the path and a hint."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from euryale.framework.container import (
    CycleError,
    DuplicateProviderError,
    MissingProviderError,
    ProviderError,
    Scope,
    ScopeError,
    plan_container,
    provide,
    supplied,
    value,
)


class Mailer(Protocol):
    def send(self, text: str) -> None: ...


class SmtpMailer:
    def send(self, text: str) -> None: ...


class Notifier:
    def __init__(self, mailer: Mailer) -> None: ...


class Projects:
    def __init__(self, notifier: Notifier) -> None: ...


class Chicken:
    def __init__(self, egg: "Egg") -> None: ...


class Egg:
    def __init__(self, chicken: Chicken) -> None: ...


def test_a_missing_provider_is_drawn_with_its_path():
    with pytest.raises(MissingProviderError) as caught:
        plan_container([provide(Projects), provide(Notifier)])
    lines = str(caught.value).splitlines()
    assert lines[0] == "nothing provides Mailer:"
    assert lines[2].strip().startswith("Projects ")
    assert "test_graph:" in lines[2]
    assert lines[3].strip().startswith("└─> Notifier ")
    assert lines[4].strip().startswith("└─> Mailer ")
    assert lines[4].endswith("<-- nothing provides this")
    assert lines[-1].startswith("hint: Add provide(...)")


def test_the_hint_names_what_could_stand_for_the_missing_type():
    with pytest.raises(MissingProviderError, match="Did you mean SmtpMailer, which is provided"):
        plan_container([provide(Notifier), provide(SmtpMailer)])


def test_a_cycle_is_drawn():
    with pytest.raises(CycleError) as caught:
        plan_container([provide(Chicken), provide(Egg)])
    drawn = [line.split("<--")[0].split("  tests")[0].strip() for line in str(caught.value).splitlines()[2:5]]
    assert [line.split()[0 if index == 0 else 1] for index, line in enumerate(drawn)] == ["Chicken", "Egg", "Chicken"]
    assert "here the ring closes" in str(caught.value)


def test_what_lives_for_the_application_cannot_need_what_lives_for_a_call():
    with pytest.raises(ScopeError, match="Notifier lives as long as the application, but needs Mailer") as caught:
        plan_container([provide(Notifier), supplied(Mailer)])
    assert "scope=Scope.CALL" in caught.value.hint


def test_two_providers_of_a_type_are_refused_with_both_places():
    with pytest.raises(DuplicateProviderError) as caught:
        plan_container([provide(SmtpMailer), value(SmtpMailer())])
    assert "value of SmtpMailer" in str(caught.value)


def test_the_order_puts_each_type_after_what_it_needs():
    graph = plan_container([provide(Projects), provide(Notifier), provide(SmtpMailer, as_=Mailer)])
    assert list(graph.order)[:3] == [Mailer, Notifier, Projects]


def test_a_call_scoped_provider_is_not_made_at_start():
    graph = plan_container([provide(SmtpMailer, as_=Mailer, scope=Scope.CALL)])
    assert Mailer not in graph.order


def test_a_function_is_checked_against_the_graph():
    async def on_event(event: object, *, notifier: Notifier) -> None: ...

    with pytest.raises(MissingProviderError, match="nothing provides Notifier"):
        plan_container([]).check_call(on_event)


class Untold:
    def __init__(self, url) -> None: ...


class TextOnly:
    def __init__(self, url: str) -> None: ...


class Unreadable:
    def __init__(self, other: "Nowhere") -> None: ...  # noqa: F821 -- that is what is tested


def untyped_factory():
    return SmtpMailer()


def generator() -> Iterator[SmtpMailer]:
    yield SmtpMailer()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Untold, "parameter 'url' of Untold"),
        (TextOnly, "parameter 'url' of TextOnly"),
        (Unreadable, "'Nowhere' is not defined"),
        (untyped_factory, "does not say what it provides"),
        (generator, "is a generator"),
        (Mailer, "Mailer is abstract"),
    ],
)
def test_what_cannot_be_a_provider_is_refused_where_it_is_written(source, message):
    with pytest.raises(ProviderError, match=message):
        provide(source)


def test_a_class_cannot_be_provided_as_something_else():
    with pytest.raises(ProviderError, match=r"SmtpMailer .* is not a Notifier"):
        provide(SmtpMailer, as_=Notifier)


def test_what_lacks_a_method_of_the_protocol_cannot_stand_for_it():
    with pytest.raises(ProviderError, match=r"Notifier .* is not a Mailer: it has no send"):
        provide(Notifier, as_=Mailer)
    with pytest.raises(ProviderError, match=r"int .* is not a Mailer: it has no send"):
        value(7, as_=Mailer)


def test_a_value_must_say_what_it_is_for():
    with pytest.raises(ProviderError, match=r"str .*does not say"):
        value("sqlite:///x")
