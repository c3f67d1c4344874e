"""One attempt at a step or a compensation: call the function, within its time, and say how it went."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from euryale.kit.clock import Clock, Limit
from euryale.workflows.definition.step import StepResponse
from euryale.workflows.errors import DefinitionError, PermanentFailure
from euryale.workflows.ports import Resolver
from euryale.workflows.runtime.context import CURRENT_STEP, StepContext
from euryale.workflows.runtime.threads import StepThreads


class Returned(msgspec.Struct, frozen=True):
    """The function returned.

    Attributes:
        output: Its result.
        undo: What the compensation receives.
        plain: Whether the two are the same.
    """

    output: Any
    undo: Any
    plain: bool = True


class Raised(msgspec.Struct, frozen=True):
    """The function raised, or took too long.

    Attributes:
        error: What it raised.
        timed_out: Whether it was interrupted because it took too long.
    """

    error: Exception
    timed_out: bool = False


class Call(msgspec.Struct, frozen=True):
    """What to call.

    Attributes:
        function: The function.
        is_async: Whether it is a coroutine function, which runs in the loop; any other runs in a thread.
        arguments: What it is given by name.
        injected: What it is given besides: names and types.
        timeout: Seconds that it may take, or None.
        context: Where it runs.
        positional: What it is given by position.
    """

    function: Callable[..., Any]
    is_async: bool
    arguments: Mapping[str, Any]
    injected: tuple[tuple[str, Any], ...]
    timeout: float | None
    context: StepContext
    positional: tuple[Any, ...] = ()


async def invoke(call: Call, resolver: Resolver, threads: StepThreads, clock: Clock) -> Returned | Raised:
    """Make the call.

    Raises:
        asyncio.CancelledError: If the caller is cancelled; the function is interrupted then. One that comes from
            within (the function awaited something that was cancelled) is a failure like any other.
    """
    token = CURRENT_STEP.set(call.context)
    limit = None if call.timeout is None else Limit(clock, call.timeout)
    try:
        arguments = call.arguments
        if call.injected:
            arguments = {**arguments, **{name: _resolve(resolver, wanted) for name, wanted in call.injected}}
        if limit is None:
            # a coroutine function is called here, not in ``_run``: it is what most steps are
            given = call.function(*call.positional, **arguments) if call.is_async else _run(call, arguments, threads)
            result = await given
        else:
            async with limit:
                result = await _run(call, arguments, threads)
    except TimeoutError as error:
        if limit is None or not limit.expired:
            return Raised(error)
        late = TimeoutError(f"took longer than {call.timeout:g} s")
        return Raised(late, timed_out=True)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        inner = RuntimeError("it awaited something that was cancelled")
        inner.__cause__ = error
        return Raised(inner)
    except Exception as error:  # noqa: BLE001 -- whatever a step raises is its outcome
        return Raised(error)
    finally:
        CURRENT_STEP.reset(token)
    if isinstance(result, StepResponse):
        return Returned(result.output, result.undo, plain=False)
    return Returned(result, result)


async def _run(call: Call, arguments: Mapping[str, Any], threads: StepThreads) -> Any:
    if call.is_async:
        return await call.function(*call.positional, **arguments)
    result = await threads.run(lambda: call.function(*call.positional, **arguments))
    return await result if inspect.isawaitable(result) else result


def _resolve(resolver: Resolver, wanted: Any) -> Any:
    try:
        return resolver.resolve(wanted)
    except LookupError as error:
        name = getattr(wanted, "__name__", str(wanted))
        raise PermanentFailure(
            f"Nothing provides {name}: {error}", hint="Give it to the engine: Engine(services=...)."
        ) from error


class MappedServices:
    """Resolves from a plain mapping of types to objects.

    Raises:
        DefinitionError: If a key is no type.
    """

    def __init__(self, services: Mapping[Any, Any]) -> None:
        for key in services:
            if isinstance(key, str):
                raise DefinitionError(
                    f"services has the key {key!r}.", hint="Use the type that steps ask for as the key."
                )
        self._services = dict(services)

    def resolve(self, wanted: Any, /) -> Any:
        """Return the object for that type.

        Raises:
            LookupError: If there is none.
        """
        try:
            return self._services[wanted]
        except KeyError:
            known = ", ".join(getattr(each, "__name__", str(each)) for each in self._services) or "nothing"
            raise LookupError(f"services has {known}.") from None
