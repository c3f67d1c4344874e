"""A workflow: a composer's plan, ready to be run."""

import inspect
import typing
from collections.abc import Callable
from datetime import timedelta
from types import NoneType
from typing import Any, ClassVar, Generic, TypeVar, cast, overload

from euryale.workflows.definition.annotations import Unannotated, can_be, name_of
from euryale.workflows.definition.checks import check_count, check_function, check_type, seconds_or_none
from euryale.workflows.definition.composer import composing, place_child
from euryale.workflows.definition.expression import INPUT, Constant, Expression, Output
from euryale.workflows.definition.nodes import CHILD_SEPARATOR
from euryale.workflows.definition.place import Located, name_after, place_of
from euryale.workflows.definition.placeholder import Placeholder, Tool, expression_of
from euryale.workflows.definition.plan import Plan, check_exits
from euryale.workflows.definition.queue import Queue
from euryale.workflows.errors import UNSET, CompositionError, DefinitionError, InputError

I = TypeVar("I")  # noqa: E741 -- the input's type
O = TypeVar("O")  # noqa: E741 -- the output's type


class Workflow(Tool, Generic[I, O]):
    """A composed workflow; made by :func:`workflow`.

    Called in the composer of another workflow it becomes its child: an execution of its own, awaited, and undone when
    the outer one is.

    Attributes:
        plan: What it does.
        queue: Where its executions wait when they are started, or None.
        parameter: The name of its input, or an empty string: it takes none.
        place: Where its composer is: ``file:line``; empty if that is not known.
    """

    instead: ClassVar[str] = "Call it with its input: its result is a value."

    def __init__(self, plan: Plan, queue: Queue | None = None, parameter: str = "", place: str = "") -> None:
        self.plan = plan
        self.queue = queue
        self.parameter = parameter
        self.place = place

    @property
    def name(self) -> str:
        """Its name."""
        return self.plan.name

    @overload
    def __call__(self: "Workflow[None, O]", /) -> O: ...

    @overload
    def __call__(self, value: I, /) -> O: ...

    def __call__(self: "Workflow[Any, O]", value: Any = None, /) -> O:
        """Place it as a child in the workflow that is being composed.

        Raises:
            CompositionError: If called outside of a composer.
        """
        return cast("O", place_child(self, value))

    def input_of(self, given: Any) -> Any:
        """Return the input of an execution that is started with ``given``, or with nothing: ``UNSET``.

        Raises:
            InputError: If it takes an input and was given none, or takes none and was given one.
        """
        if given is UNSET:
            if self.parameter:
                raise InputError(
                    f"{self.name!r} takes an input, {self.parameter!r}, and was given none.",
                    hint="Pass it behind the workflow.",
                )
            return None
        if given is not None and not self.parameter:
            raise InputError(
                f"{self.name!r} takes no input, and was given {type(given).__name__}.",
                hint="Leave it out, or give the composer a parameter.",
            )
        return given

    def __repr__(self) -> str:
        return f"<workflow {self.plan.name} v{self.plan.version}>"


class WorkflowDecorator:
    """What ``workflow(...)`` gives: runs a composer and keeps its plan."""

    def __init__(
        self, name: str, version: int, timeout: float | None, retention: float | None, queue: Queue | None
    ) -> None:
        self._name = name
        self._version = version
        self._timeout = timeout
        self._retention = retention
        self._queue = queue

    @overload
    def __call__(self, composer: Callable[[I], O]) -> Workflow[I, O]: ...

    @overload
    def __call__(self, composer: Callable[[], O]) -> Workflow[None, O]: ...

    def __call__(self, composer: Callable[..., Any]) -> Workflow[Any, Any]:
        """Run the composer, once."""
        with Located():
            _check_composer(composer, self._name)
            hints = _read_hints(composer, self._name)
        parameters = list(inspect.signature(composer).parameters)
        with composing(self._name) as composition:
            inputs = [Placeholder(Output(INPUT), hints.get(parameters[0], Unannotated))] if parameters else []
            result = expression_of(composer(*inputs))
            composition.check_decided()
        _check_result(composer, self._name, result, hints.get("return", Any))
        check_exits(composition.block, self._name)
        plan = Plan(
            name=self._name,
            version=self._version,
            body=tuple(composition.block),
            result=result,
            input_type=hints.get(parameters[0], Any) if parameters else None,
            output_type=hints.get("return", Any),
            timeout=self._timeout,
            retention=self._retention,
            title=(inspect.getdoc(composer) or "").split("\n", 1)[0],
        )
        return Workflow(plan, self._queue, parameters[0] if parameters else "", place_of(composer))


def _check_result(composer: Callable[..., Any], name: str, result: Expression, wanted: Any) -> None:
    """Refuse a result that can never be what is annotated: above all None, of a composer without ``return``."""
    if isinstance(result, Constant) and not can_be(result.value, wanted):
        raise CompositionError(
            f"{place_of(composer)}: the composer of workflow {name!r} returns {result.value!r}, annotated as "
            f"{name_of(wanted)}.",
            hint="Return what a step gave, or correct the annotation.",
        )


def _check_composer(composer: Callable[..., Any], name: str) -> None:
    """Refuse what is no function, or cannot be called with one placeholder."""
    what = f"The composer of workflow {name!r}"
    check_function(composer, f"workflow({name!r}): composer", "a function")
    if inspect.iscoroutinefunction(composer):
        raise DefinitionError(f"{what} is async.", hint="Use def: it only composes.")
    if not inspect.isroutine(composer):
        raise DefinitionError(f"{what} is {composer!r}.", hint="Write def: a composer is a function.")
    parameters = inspect.signature(composer).parameters.values()
    if len(parameters) > 1:
        raise DefinitionError(f"{what} takes several parameters.", hint="Take one: a dataclass, say.")
    for each in parameters:
        if each.kind not in {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}:
            raise DefinitionError(
                f"{what} has a {each.kind.description} parameter {each.name!r}.",
                hint="It is given its input by position: def compose(order: Order).",
            )


def _read_hints(composer: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(composer)
    except NameError as error:
        raise DefinitionError(f"workflow {name!r}: {error}.", hint="Annotate with names that exist there.") from error


@overload
def workflow(
    name: str,
    /,
    *,
    version: int = ...,
    timeout: float | timedelta | None = ...,
    retention: float | timedelta | None = ...,
    queue: Queue | None = ...,
) -> WorkflowDecorator: ...


@overload
def workflow(
    *,
    name: str,
    version: int = ...,
    timeout: float | timedelta | None = ...,
    retention: float | timedelta | None = ...,
    queue: Queue | None = ...,
) -> WorkflowDecorator: ...


def workflow(
    name: str = "",  # only for the message: a type checker asks for it
    *,
    version: int = 1,
    timeout: float | timedelta | None = None,
    retention: float | timedelta | None = None,
    queue: Queue | None = None,
) -> WorkflowDecorator:
    """Turn a composer into a workflow.

    The composer runs once, now, over placeholders. It calls steps, workflows, ``parallelize``, ``when``, ``transform``
    and ``emit``, and returns what the workflow is to return.

    Args:
        name: The workflow's name, unique in an application; it must be given.
        version: Count it up when a change would confuse executions that are under way.
        timeout: Seconds (or a timedelta) after which an execution is undone; default: no limit.
        retention: Seconds (or a timedelta) for which finished executions are kept; default: for ever.
        queue: Where its executions wait for their turn when they are started; default: nowhere. A child that is awaited
            runs in its parent's slot and waits nowhere.

    Raises:
        DefinitionError: If the composer, or what it composes, cannot work.

    Example:
        >>> @workflow("create-project", timeout=3600)
        ... def create_project(name: str) -> str:
        ...     return create_database(name)
    """
    with Located():
        _check_name(name)
        check_count(version, f"workflow({name!r}): version", least=1)
        made = 'Pass what Queue("deploys") made.'
        check_type(queue, (Queue, NoneType), f"workflow({name!r}): queue", "a queue", made)
        limits = (
            seconds_or_none(timeout, f"workflow({name!r}): timeout"),
            seconds_or_none(retention, f"workflow({name!r}): retention"),
        )
    return WorkflowDecorator(name, version, *limits, queue)


def _check_name(name: object) -> None:
    if isinstance(name, str) and CHILD_SEPARATOR in name:
        raise DefinitionError(f"A workflow's name is a text without {CHILD_SEPARATOR!r}, not {name!r}.")
    if isinstance(name, str) and name:
        return
    own = getattr(name, "__name__", "")
    example = name_after(name) if callable(name) and own.isidentifier() else "place-order"
    raise DefinitionError("@workflow has no name.", hint=f'Write @workflow("{example}").')
