"""Logs of deployments: of their build, and of the application that they run."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from euryale.cloud.api.stream_schema import EVENT_STREAM
from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.logs import LogBook, follow, read_piece, tail_offset
from euryale.cloud.modules.deployments import Deployment, Deployments, DeploymentState, UnknownDeploymentError
from euryale.cloud.modules.projects import Projects
from euryale.cloud.wire.deployments import LogKind, LogPart
from euryale.cloud.wire.names import DeploymentId
from euryale.cloud.workflows.references import Place
from euryale.framework.http import EventStream, Inject, LastEventId, ServerEvent

router = APIRouter(prefix=PREFIX, tags=["deployments"], dependencies=[ANYONE_KNOWN])

NEXT_OFFSET: Final = "X-Next-Offset"
COMPLETE: Final = "X-Log-Complete"
PART: Final = "part"
END: Final = "end"

_MOST_BYTES: Final = 1024 * 1024
_MOST_LINES: Final = 10_000
_LARGEST_OFFSET: Final = 2**53 - 1
_WEB: Final = "web"
_BEFORE_BUILT: Final = frozenset({DeploymentState.CREATED, DeploymentState.BUILDING})

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The log, from the offset on; with `follow` as server-sent events.",
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "text/event-stream": EVENT_STREAM,
        },
        "headers": {
            NEXT_OFFSET: {"description": "the offset at which what follows begins", "schema": {"type": "integer"}},
            COMPLETE: {"description": "whether this is all there will ever be", "schema": {"type": "boolean"}},
        },
    }
}


class _LogSource:
    """Where one log is, and whether it has ended."""

    def __init__(self, deployment: Deployment, place: Place, kind: LogKind, logs: LogBook, known: Deployments) -> None:
        self._deployment = deployment
        self._place = place
        self._kind = kind
        self._logs = logs
        self._known = known

    def path(self) -> FilePath:
        """Return the file; it may not exist."""
        number = self._deployment.number
        if self._kind == "build":
            return self._logs.build_log(self._deployment.id, self._place.project, self._place.build(number))
        return self._logs.runtime_log(self._place.app, self._deployment.instance or self._place.instance(_WEB, number))

    async def ended(self) -> bool:
        """Return whether nothing more will be appended."""
        try:
            state = (await self._known.get(self._deployment.id)).state
        except UnknownDeploymentError:
            return True
        if self._kind == "build":
            return state not in _BEFORE_BUILT
        return state.ended and state is not DeploymentState.LIVE


class LogFinder:
    """Finds the log of a deployment.

    Args:
        deployments: Knows the deployment.
        projects: Knows its place.
        logs: Knows the files.
    """

    def __init__(self, deployments: Deployments, projects: Projects, logs: LogBook) -> None:
        self._deployments = deployments
        self._projects = projects
        self._logs = logs

    async def find(self, deployment_id: str, kind: LogKind) -> _LogSource:
        """Return where the log is.

        Raises:
            UnknownDeploymentError: If there is no such deployment.
        """
        deployment = await self._deployments.get(deployment_id)
        project = await self._projects.by_id(deployment.project_id)
        environment = await self._projects.environment_by_id(deployment.environment_id)
        place = Place(project.name, environment.name)
        return _LogSource(deployment, place, kind, self._logs, self._deployments)


def _read_finder(deployments: Inject[Deployments], projects: Inject[Projects], logs: Inject[LogBook]) -> LogFinder:
    return LogFinder(deployments, projects, logs)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of which log is asked for.

    Attributes:
        kind: The build's, or the application's.
        start: The byte at which to begin; None: see ``tail``.
        tail: Begin with this many last lines; None: at the beginning.
    """

    kind: LogKind
    start: int | None
    tail: int | None


def _read_asked(
    last: LastEventId = None,
    kind: Annotated[LogKind, Query(description="the build's, or the application's")] = "build",
    offset: Annotated[int | None, Query(ge=0, le=_LARGEST_OFFSET, description="the byte at which to begin")] = None,
    tail: Annotated[int | None, Query(ge=0, le=_MOST_LINES, description="only the last lines, without offset")] = None,
) -> Asked:
    resumed = int(last) if last is not None and last.isascii() and last.isdecimal() else None
    return Asked(kind, offset if resumed is None else resumed, tail)


@router.get("/deployments/{deployment_id}/log", responses=_ANSWERS, response_class=Response)
async def show_log(
    deployment_id: Annotated[DeploymentId, Path(description="the deployment's id")],
    asked: Annotated[Asked, Depends(_read_asked)],
    finder: Annotated[LogFinder, Depends(_read_finder)],
    *,
    wait: Annotated[bool, Query(alias="follow", description="whether to go on with what is appended")] = False,
) -> Response:
    """Show a log as text, at most 1 MiB at a time, or follow it.

    Followed, it is a stream of events `part` (text and the offset after it), and `end` when nothing more will come. The
    id of each part is its offset, so that a client that comes back goes on where it stopped.
    """
    source = await finder.find(deployment_id, asked.kind)
    start = await _start(source, asked)
    if wait:
        return EventStream(_events(source, start))
    complete = await source.ended()
    piece = await asyncio.to_thread(read_piece, source.path(), start, _MOST_BYTES)
    complete = complete and len(piece.data) < _MOST_BYTES
    headers = {NEXT_OFFSET: str(piece.next), COMPLETE: str(complete).lower(), "Cache-Control": "no-store"}
    return Response(piece.data, media_type="text/plain; charset=utf-8", headers=headers)


async def _start(source: _LogSource, asked: Asked) -> int:
    if asked.start is None and asked.tail is not None:
        return await asyncio.to_thread(tail_offset, source.path(), asked.tail)
    return asked.start or 0


async def _events(source: _LogSource, start: int) -> AsyncGenerator[ServerEvent, None]:
    position = start
    async for piece in follow(source.path, start, ended=source.ended):
        position = piece.next
        part = LogPart(text=piece.data.decode("utf-8", "replace"), offset=position)
        yield ServerEvent(part.model_dump(), name=PART, id=str(position))
    yield ServerEvent({"offset": position}, name=END, id=str(position))
