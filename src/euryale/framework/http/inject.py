"""Injection into routes: ``Inject[T]`` in the signature of an endpoint or of a dependency."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, params
from starlette.requests import HTTPConnection, Request

from euryale.framework.container import Call, Container
from euryale.framework.container.signature import key_of
from euryale.kit.errors import UnavailableError

T = TypeVar("T")

HANDED_TO_REQUESTS: Final = (HTTPConnection, Request)
"""The types that the scope of a request is opened with; what lives for a call may ask for them."""


async def open_call(connection: HTTPConnection) -> AsyncIterator[Call]:
    """Open the scope of a request: from its first injection until its endpoint has returned.

    It closes before the answer is sent, so a failing commit still becomes an error that the caller sees. What is
    streamed afterwards must not use what lives for the call.

    Raises:
        UnavailableError: If the application is not running.
    """
    container: Container | None = connection.app.state.container
    if container is None:
        raise UnavailableError(
            "the application is not running", hint="Serve it with its lifespan, or use it inside app.running()."
        )
    async with container.call(dict.fromkeys(HANDED_TO_REQUESTS, connection)) as call:
        yield call


RequestCall = Annotated[Call, Depends(open_call, scope="function")]


@dataclass(frozen=True)
class Resolver:
    """A dependency of FastAPI that gives one type from the container.

    Attributes:
        wanted: The type.
    """

    wanted: Any

    async def __call__(self, call: RequestCall) -> Any:
        """Return the instance for this request."""
        return await call.get(self.wanted)


@dataclass(frozen=True)
class _Injected(params.Depends):
    """A ``Depends`` whose dependency FastAPI infers to be the annotated type; it is resolved, not called."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dependency is not None and not isinstance(self.dependency, Resolver):
            object.__setattr__(self, "dependency", Resolver(key_of(self.dependency)))


Inject = Annotated[T, _Injected(scope="function")]
"""``Inject[Notes]`` in a signature: the container's ``Notes``, for this request.

Example:
    >>> @router.get("/notes/{id}")
    ... async def show(id: str, notes: Inject[Notes]) -> NoteOut: ...
"""
