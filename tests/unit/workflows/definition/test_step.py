"""Declaring steps and compensations."""

import pytest

from euryale.workflows import DefinitionError, Retry, Schedule, Signal, Step, StepResponse, inject, step, workflow


@step(retry=Retry(max_attempts=2), timeout=5)
async def make_thing(name: str, size: int = 3, *, clock: dict = inject()) -> StepResponse[str, int]:
    return StepResponse(name, size)


def test_a_step_is_named_after_its_function():
    assert (make_thing.name, make_thing.options.timeout, make_thing.is_async) == ("make-thing", 5, True)
    assert repr(make_thing) == "<step make-thing>"


def test_a_signature_is_read_once_from_the_annotations():
    signature = make_thing.signature
    assert signature.parameters == ("name", "size")
    assert (signature.required, dict(signature.defaults)) == (frozenset({"name"}), {"size": 3})
    assert signature.injected == (("clock", dict),)
    assert (signature.output_type, signature.undo_type, signature.says_undo) == (str, int | None, True)


def test_without_a_response_the_compensation_receives_the_output():
    @step
    def plain(name: str) -> list[int]:
        return [len(name)]

    assert (plain.signature.output_type, plain.signature.undo_type) == (list[int], list[int])


def test_another_name_has_other_limits_and_the_same_compensation_even_when_declared_later():
    @step(timeout=1)
    async def work() -> None: ...

    other = work.named("other", timeout=9, retry=Retry(max_attempts=7))
    assert (other.options.timeout, other.options.retry.max_attempts, work.options.timeout) == (9, 7, 1)
    assert other.compensation is None

    @work.compensate(retry=Retry(max_attempts=2), timeout=3)
    async def _(undo: None) -> None: ...

    assert other.compensation is work.compensation
    assert (other.compensation.timeout, other.compensation.retry.max_attempts) == (3, 2)


def test_only_one_compensation_is_declared():
    @step
    async def work() -> None: ...

    work.compensate(lambda_undo)
    with pytest.raises(DefinitionError, match="has a compensation already"):
        work.compensate(lambda_undo)
    with pytest.raises(DefinitionError, match="has a compensation already"):
        work.named("other").compensate(lambda_undo)


def lambda_undo(undo: object) -> None: ...


def nothing_to_undo() -> None: ...
def only_injected(*, clock: dict = inject()) -> None: ...
def by_name(*, undo: str) -> None: ...
def unknown_parameter(undo: str, other: int) -> None: ...
def not_annotated(undo) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (nothing_to_undo, "has no parameter for what it undoes"),
        (only_injected, "has no parameter for what it undoes"),
        (by_name, "has no parameter for what it undoes"),
        (unknown_parameter, "asks for other, which is no parameter of the step"),
        (not_annotated, "parameter 'undo' has no annotation"),
    ],
)
def test_a_compensation_that_could_not_be_called_is_refused_when_it_is_declared(function, message):
    @step
    async def work(name: str) -> str:
        return name

    with pytest.raises(DefinitionError, match=message):
        work.compensate(function)


def variadic(*names: str) -> None: ...
def positional_only(name: str, /) -> None: ...
def bare(name) -> None: ...
def unknown(name: "Nowhere") -> None: ...  # noqa: F821 -- that it is unknown is the test


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (variadic, "must be one that can be passed by name"),
        (positional_only, "must be one that can be passed by name"),
        (bare, "has no annotation"),
        (unknown, "'Nowhere' is not defined"),
    ],
)
def test_a_step_that_could_not_be_called_is_refused(function, message):
    with pytest.raises(DefinitionError, match=message):
        _ = step(function).signature


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a#2", "a[1]", "a]", "a\n", "a\tb"])
def test_a_name_that_would_be_ambiguous_is_refused(name):
    async def work() -> None: ...

    with pytest.raises(DefinitionError, match="name is a text without spaces"):
        Step(name, work, make_thing.options)


def test_values_with_a_type_parameter_may_be_made_with_it():
    @workflow("w")
    def flow(name: str) -> str:
        return name

    assert StepResponse[str, int]("a", undo=1) == StepResponse("a", undo=1)
    assert Signal[str]("told", str) == Signal("told", str)
    assert Schedule[str]("s", flow, "x", every=60).name == "s"
