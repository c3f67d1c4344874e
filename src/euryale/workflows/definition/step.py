"""A step: one durable unit of work, with its retries, its time limit and its compensation."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Concatenate, Final, Generic, Literal, ParamSpec, TypeVar, cast, overload

from euryale.workflows.definition.checks import check_function, check_name, refusal, seconds, seconds_or_none
from euryale.workflows.definition.composer import place_step
from euryale.workflows.definition.place import Located, name_after, placed
from euryale.workflows.definition.placeholder import Tool
from euryale.workflows.definition.policy import ONCE, PERSISTENT, Retry
from euryale.workflows.errors import DefinitionError

P = ParamSpec("P")
R = TypeVar("R")
U = TypeVar("U")
C = TypeVar("C")

_NAMED: Final = 'Give a step a name by @step(name="create-database").'


@dataclass(frozen=True)  # slots would refuse StepResponse[...](...) in Python 3.11
class StepResponse(Generic[R, U]):
    """What a step returns when its compensation needs something else than its output.

    Attributes:
        output: What later steps and the caller see.
        undo: What the step's compensation receives.
    """

    output: R
    undo: U


class _Later:
    def __repr__(self) -> str:
        return "LATER"


LATER: Final[Any] = _Later()
"""What a step that completes externally returns: its output comes later, from ``engine.complete``.

Example:
    >>> @step(completes="externally")
    ... async def build(commit: str) -> StepResponse[Image, str]:
    ...     job = await start_build(commit, token=step_context().token)
    ...     return StepResponse(LATER, undo=job)
"""


class _Injected:
    def __repr__(self) -> str:
        return "inject()"


_INJECTED = _Injected()


def inject() -> Any:
    """Mark a parameter that the engine provides: as its default value, the annotation says what.

    Example:
        >>> async def create(name: str, *, clock: Clock = inject()) -> str: ...
    """
    return _INJECTED


@dataclass(frozen=True, slots=True)
class Signature:
    """What a step's function takes and gives, read once from its annotations.

    Attributes:
        parameters: The parameters that a composer passes, in order.
        required: Those of them without a default.
        defaults: The values of the others.
        types: The annotations of all that a composer passes, by name.
        injected: The parameters that the engine provides, with what is provided.
        output_type: What it returns, out of a ``StepResponse`` if it returns one.
        undo_type: What its compensation receives, which may be None.
        says_undo: Whether it says what there is to undo apart from its output.
    """

    parameters: tuple[str, ...]
    required: frozenset[str]
    defaults: Mapping[str, Any]
    types: Mapping[str, Any]
    injected: tuple[tuple[str, Any], ...]
    output_type: Any
    undo_type: Any
    says_undo: bool


def read_signature(function: Callable[..., Any], what: str) -> Signature:
    """Read a function's annotations.

    Raises:
        DefinitionError: If an annotation is missing or unknown, or a parameter is of a kind that cannot be passed.
    """
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        raise DefinitionError(
            f"{what}: {error}.", hint="Annotate with names that exist where the function is defined."
        ) from error
    passed: list[inspect.Parameter] = []
    injected: list[tuple[str, Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        _check_parameter(parameter, hints, what)
        if parameter.default is _INJECTED:
            injected.append((parameter.name, hints[parameter.name]))
        else:
            passed.append(parameter)
    returned = hints.get("return", Any)
    output_type, undo_type = _split_response(returned)
    return Signature(
        parameters=tuple(each.name for each in passed),
        required=frozenset(each.name for each in passed if each.default is inspect.Parameter.empty),
        defaults={each.name: each.default for each in passed if each.default is not inspect.Parameter.empty},
        types={each.name: hints[each.name] for each in passed},
        injected=tuple(injected),
        output_type=output_type,
        undo_type=undo_type,
        says_undo=StepResponse in {returned, typing.get_origin(returned)},
    )


def _check_parameter(parameter: inspect.Parameter, hints: dict[str, Any], what: str) -> None:
    kinds = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    if parameter.kind not in kinds:
        raise DefinitionError(f"{what}: parameter {parameter} must be one that can be passed by name.")
    if parameter.name == "self" and "self" not in hints:
        raise DefinitionError(f"{what} is a method.", hint="Write a function, and have the object given: inject().")
    if parameter.name not in hints:
        raise DefinitionError(f"{what}: parameter {parameter.name!r} has no annotation.", hint="Add its type.")


def _split_response(returned: Any) -> tuple[Any, Any]:
    if typing.get_origin(returned) is StepResponse:
        output_type, undo_type = typing.get_args(returned)
        return output_type, undo_type | None
    return (Any, Any) if returned is StepResponse else (returned, returned)


@dataclass(frozen=True, slots=True)
class Compensation:
    """How a step is undone.

    Attributes:
        function: Receives what there is to undo, or None when the step failed, timed out or may have run unseen.
        is_async: Whether it is a coroutine function; any other runs in a thread.
        retry: How often it is tried.
        timeout: Seconds that one attempt may take, or None.
        forwarded: Parameters of the step's own that it is given again, by name.
        injected: Parameters that the engine provides.
    """

    function: Callable[..., Any]
    is_async: bool
    retry: Retry
    timeout: float | None
    forwarded: tuple[str, ...]
    injected: tuple[tuple[str, Any], ...]


def _read_compensation(
    function: Callable[..., Any], step: "Step[..., Any, Any]", retry: Retry, timeout: float | None
) -> Compensation:
    what = placed(function, f"the compensation of step {step.name!r}")
    signature = read_signature(function, what)
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None or first.name not in signature.parameters or first.kind is inspect.Parameter.KEYWORD_ONLY:
        raise DefinitionError(
            f"{what} has no parameter for what it undoes.", hint="Its first one receives it, by position."
        )
    forwarded = signature.parameters[1:]
    unknown = [name for name in forwarded if name not in step.signature.parameters]
    if unknown:
        raise DefinitionError(
            f"{what} asks for {', '.join(unknown)}, which is no parameter of the step.",
            hint=f"It may ask for {', '.join(step.signature.parameters) or 'nothing'}, or use inject().",
        )
    is_async = inspect.iscoroutinefunction(function)
    return Compensation(function, is_async, retry, timeout, forwarded, signature.injected)


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What a step's author chooses.

    Attributes:
        retry: How often it is tried; default: once.
        timeout: Seconds that one attempt may take before it is interrupted; None: no limit.
        completes: ``returning``: it is done when the function returns. ``externally``: the function only sets
            something going, and the step is done when ``engine.complete(token, output)`` is called.
        external_timeout: Seconds that a step waits for its completion from outside; None: no limit.
        continue_on_failure: Whether the workflow goes on without the step when it has failed for good.
        skip_to: The node at which the workflow goes on when the step has failed for good; empty: it does not.
    """

    retry: Retry = ONCE
    timeout: float | None = None
    completes: Literal["returning", "externally"] = "returning"
    external_timeout: float | None = None
    continue_on_failure: bool = False
    skip_to: str = ""


class Step(Tool, Generic[P, R, U]):
    """A function that became a step; made by :func:`step`.

    Called in a composer it takes its place in the workflow and gives a placeholder for its output. Outside of
    a composer use :attr:`function`, for instance to test it alone.

    Attributes:
        name: Its name; unique among the steps of a workflow unless reused, and what a history shows.
        function: The function itself.
        options: Retries and time limits.
    """

    instead: ClassVar[str] = "Call it: its result is a value."

    def __init__(self, name: str, function: Callable[..., Any], options: StepOptions) -> None:
        check_name(name, "A step's name")
        self.name = name
        self.function = function
        self.options = options
        self._compensation: Compensation | None = None
        self._origin: Step[P, R, U] | None = None

    @property
    def compensation(self) -> Compensation | None:
        """How it is undone, or None when there is nothing to undo; under another name it is undone alike."""
        if self._compensation is None and self._origin is not None:
            return self._origin.compensation
        return self._compensation

    @cached_property
    def signature(self) -> Signature:
        """What the function takes and gives."""
        return read_signature(self.function, placed(self.function, f"step {self.name!r}"))

    @cached_property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function; any other runs in a thread."""
        return inspect.iscoroutinefunction(self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Place the step in the workflow that is being composed.

        Raises:
            CompositionError: If called outside of a composer.
        """
        return cast("R", place_step(self, args, kwargs))

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    def named(
        self, name: str, *, retry: Retry | None = None, timeout: float | timedelta | None = None
    ) -> "Step[P, R, U]":
        """Return the same step under another name, and with other limits if given."""
        with Located():
            limit = self.options.timeout if timeout is None else seconds(timeout, "timeout")
            policy = self.options.retry if retry is None else _policy(retry)
            return self._twin(name, retry=policy, timeout=limit)

    def continue_on_failure(self) -> "Step[P, R | None, U]":
        """Return the same step, without which the workflow goes on when it has failed for good.

        Its output is None then, and an execution that succeeds all the same says that it was partial. When it is
        undone, the failed step's compensation is called, too.
        """
        return self._twin(self.name, continue_on_failure=True)

    def skip_to(self, node: str) -> "Step[P, R | None, U]":
        """Return the same step, which skips all up to a later node of the same sequence when it has failed for good.

        Its output and those of what was skipped are None then; see also :meth:`continue_on_failure`.

        Args:
            node: The name of a step, or another node's id.

        Raises:
            DefinitionError: If that is none; and at the end of the composer if it does not follow.
        """
        with Located():
            if not isinstance(node, str) or not node:
                hint = 'Write step.skip_to("notify"): the name of the step.'
                raise refusal("skip_to: node", node, "the id of a later node", hint)
        return self._twin(self.name, skip_to=node)

    def with_functions(self, function: Callable[..., Any], undo: Callable[..., Any] | None) -> "Step[P, R, U]":
        """Return the same step with other functions behind it, which take the same: for tests.

        Args:
            function: Called instead of the step's own.
            undo: Called instead of its compensation's own, if it has one; None: as it was.
        """
        other: Step[P, R, U] = Step(self.name, function, self.options)
        compensation = self.compensation
        if compensation is not None:
            other._compensation = replace(compensation, function=undo or compensation.function)
        return other

    def _twin(self, name: str, **options: Any) -> "Step[P, Any, U]":
        twin: Step[P, Any, U] = Step(name, self.function, replace(self.options, **options))
        twin._origin = self
        return twin

    @overload
    def compensate(
        self, function: Callable[Concatenate[U | None, ...], C], /
    ) -> Callable[Concatenate[U | None, ...], C]: ...

    @overload
    def compensate(
        self, /, *, retry: Retry = ..., timeout: float | timedelta | None = ...
    ) -> Callable[[Callable[Concatenate[U | None, ...], C]], Callable[Concatenate[U | None, ...], C]]: ...

    def compensate(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        retry: Retry = PERSISTENT,
        timeout: float | timedelta | None = None,
    ) -> Callable[..., Any]:
        """Declare how the step is undone: a decorator for a function, async or not.

        The function's first parameter receives what the step gave for it (``StepResponse.undo``, or the output). It is
        None when the step failed, timed out, or may have run before a crash: then nothing, or part of it, was done.
        Further parameters are those of the step itself, by name, and ``inject()`` ones. It must be safe to repeat.

        Args:
            function: The function, when used without parentheses.
            retry: How often it is tried.
            timeout: Seconds (or a timedelta) that one attempt may take, or None.

        Raises:
            DefinitionError: If the step has a compensation already, or the function's parameters do not fit.
        """

        def attach(function: Callable[..., Any]) -> Callable[..., Any]:
            with Located():
                if self.compensation is not None:
                    raise DefinitionError(f"Step {self.name!r} has a compensation already.")
                what, hint = f"step {self.name!r}: its compensation", f"Put @{self.name}.compensate above one."
                check_function(function, what, "a function", hint)
                limits = _policy(retry), seconds_or_none(timeout, "timeout")
            self._compensation = _read_compensation(function, self, *limits)
            return function

        return attach(function) if function is not None else attach


class StepDecorator:
    """What ``step(...)`` gives: turns a function into a :class:`Step`."""

    def __init__(self, name: str | None, options: StepOptions) -> None:
        self._name = name
        self._options = options

    @overload
    def __call__(self, function: Callable[P, Awaitable[StepResponse[R, U]]]) -> Step[P, R, U]: ...

    @overload
    def __call__(self, function: Callable[P, Awaitable[R]]) -> Step[P, R, R]: ...

    @overload
    def __call__(self, function: Callable[P, StepResponse[R, U]]) -> Step[P, R, U]: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> Step[P, R, R]: ...

    def __call__(self, function: Callable[..., Any]) -> Step[Any, Any, Any]:
        """Make the step.

        Raises:
            DefinitionError: If it is no function, or its name cannot be a step's.
        """
        with Located():
            check_function(function, "step: function", "a function", _NAMED)
            return Step(name_after(function) if self._name is None else self._name, function, self._options)


@overload
def step(function: Callable[P, Awaitable[StepResponse[R, U]]], /) -> Step[P, R, U]: ...


@overload
def step(function: Callable[P, Awaitable[R]], /) -> Step[P, R, R]: ...


@overload
def step(function: Callable[P, StepResponse[R, U]], /) -> Step[P, R, U]: ...


@overload
def step(function: Callable[P, R], /) -> Step[P, R, R]: ...


@overload
def step(
    *,
    name: str | None = ...,
    retry: Retry = ...,
    timeout: float | timedelta | None = ...,
    completes: Literal["returning", "externally"] = ...,
    external_timeout: float | timedelta | None = ...,
) -> StepDecorator: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry: Retry = ONCE,
    timeout: float | timedelta | None = None,
    completes: Literal["returning", "externally"] = "returning",
    external_timeout: float | timedelta | None = None,
) -> Any:
    """Turn a function into a step of workflows.

    An async function runs in the engine's event loop, any other in a thread. What it returns is durable before anything
    that depends on it starts. It may run more than once (a retry, a crash before its result was durable), so what it
    does outside must be safe to repeat; ``step_context().idempotency_key`` helps with that.

    Args:
        function: The function, when used without parentheses. Each parameter and the result are annotated.
        name: Its name; default: the function's, with dashes for underscores.
        retry: How often it is tried; default: once.
        timeout: Seconds (or a timedelta) that one attempt may take before it is interrupted; default: no limit.
        completes: ``externally`` when it is done only by ``engine.complete``; it then returns ``LATER``, or a
            ``StepResponse(LATER, undo=...)``.
        external_timeout: Seconds (or a timedelta) that it then waits; default: no limit.

    Raises:
        DefinitionError: If the name or an option is not acceptable.

    Example:
        >>> @step(retry=Retry(max_attempts=4), timeout=60)
        ... async def create_database(project: str) -> str:
        ...     return f"db-{project}"
    """
    with Located():
        if function is not None:
            check_function(function, "step: function", "a function", _NAMED)
        if completes not in {"returning", "externally"}:
            raise DefinitionError(f"completes={completes!r}: a step completes 'returning' or 'externally'.")
        limits = seconds_or_none(timeout, "timeout"), seconds_or_none(external_timeout, "external_timeout")
        options = StepOptions(_policy(retry), limits[0], completes, limits[1])
    decorator = StepDecorator(name, options)
    return decorator if function is None else decorator(function)


def _policy(retry: object) -> Retry:
    if not isinstance(retry, Retry):
        raise DefinitionError(f"retry={retry!r} is no policy.", hint="Write retry=Retry(max_attempts=4).")
    return retry
