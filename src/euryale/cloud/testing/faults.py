"""Faults on demand: calls of a provider that fail, wait or never return; and what was called."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.workflows import Step

T = TypeVar("T")


@dataclass(slots=True)
class Hold:
    """A call that is to wait.

    Attributes:
        reached: Set when somebody waits there.
    """

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let it go on, and later calls pass."""
        self._free.set()

    async def wait(self) -> None:
        """Be the call: say so, and wait until it is released."""
        self.reached.set()
        await self._free.wait()


@dataclass(slots=True)
class _Fault:
    error: Exception
    left: int
    after: bool


class Faults:
    """Stands before the calls of providers.

    Attributes:
        calls: Every call that took effect, in order, as its name and its arguments.
        alive: Whether the platform lives; when it does not, its calls never return, as those of a dead process.

    Example:
        >>> faults = Faults()
        >>> builder = faults.guard("builder", MemoryBuilder())
        >>> faults.fail("builder.create_pipeline", times=2)
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.alive: Callable[[], bool] = lambda: True
        self._faults: dict[str, _Fault] = {}
        self._holds: dict[str, Hold] = {}

    def guard(self, family: str, provider: T) -> T:
        """Stand before every coroutine method of a provider; return the provider."""
        for name, method in inspect.getmembers(provider, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(provider, name, self._guarded(f"{family}.{name}", method))
        return provider

    def fail(self, call: str, error: Exception | None = None, *, times: int = -1, after: bool = False) -> None:
        """Let the next calls of that name fail.

        Args:
            call: Such as ``builder.start``.
            error: What is raised; default: that the provider is not available.
            times: How many; negative: all, until told otherwise.
            after: Whether they take effect before they fail, as when the answer is lost.
        """
        self._faults[call] = _Fault(error or ProviderUnavailableError(f"{call} is down on demand."), times, after)

    def mend(self) -> None:
        """Let nothing fail any more."""
        self._faults.clear()

    def hold(self, call: str) -> Hold:
        """Let calls of that name wait before they take effect, until they are released."""
        self._holds[call] = Hold()
        return self._holds[call]

    def made(self, call: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every call of that name that took effect, in order."""
        return [arguments for name, arguments in self.calls if name == call]

    def _guarded(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if (hold := self._holds.get(name)) is not None:
                await hold.wait()
            if not self.alive():
                await asyncio.Event().wait()
            fault = self._take(name)
            if fault is not None and not fault.after:
                raise fault.error
            result = await method(*args, **kwargs)
            self.calls.append((name, (*args, *kwargs.values())))
            if fault is not None:
                raise fault.error
            return result

        return call

    def _take(self, name: str) -> _Fault | None:
        fault = self._faults.get(name)
        if fault is None or not fault.left:
            return None
        fault.left -= 1
        return fault


@contextmanager
def failing_step(step: Step[..., Any, Any], error: Exception, *, after: bool = False) -> Iterator[None]:
    """Let a step of a workflow fail within the block, whatever it does.

    Args:
        step: The step.
        error: What it raises.
        after: Whether it does its work before, so that its outcome is lost.
    """
    function = step.function
    _ = step.signature  # read from the function itself, before another stands in its place

    @functools.wraps(function)
    async def fail(*args: Any, **kwargs: Any) -> Any:
        if after:
            await function(*args, **kwargs)
        raise error

    step.function = fail
    try:
        yield
    finally:
        step.function = function
