"""The platform, as a program sees it that is not the platform."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from euryale.cloud.client.answers import foreign_answer
from euryale.cloud.client.connection import Connection, Query
from euryale.cloud.wire.deployments import DeploymentDetail, DeploymentInfo, LogKind, LogPart
from euryale.cloud.wire.executions import (
    Accepted,
    CancelAnswer,
    ExecutionDetail,
    ExecutionEventInfo,
    ExecutionInfo,
    ExecutionStatus,
    GraphFormat,
    HistoryInfo,
    WorkflowInfo,
    WorkflowList,
)
from euryale.cloud.wire.platform import Caller, Diagnosis
from euryale.cloud.wire.projects import (
    EnvironmentInfo,
    EnvironmentList,
    ProjectDetail,
    ProjectInfo,
    VariableInfo,
    VariableList,
    VariableScope,
)
from euryale.kit.secret import Secret

T = TypeVar("T", bound=BaseModel)

_PAGE = 200


class Listed(BaseModel, Generic[T]):
    """One page of a list.

    Attributes:
        items: What is on it.
        next: The cursor of the next page, or None.
    """

    items: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class VariableValue:
    """A variable to be set.

    Attributes:
        name: Its name.
        value: Its value.
        scope: Who sees it.
    """

    name: str
    value: Secret
    scope: VariableScope = "both"


@dataclass(frozen=True, slots=True)
class ProjectRequest:
    """What a project is to be created from.

    Attributes:
        name: Its name.
        repository: Its repository; None: the platform's own one of that name.
        branch: Its production's branch; None: the repository's default branch.
        root: The application's directory in the repository.
        previews: Whether every other branch becomes a preview.
        variables: Its variables.
    """

    name: str
    repository: str | None = None
    branch: str | None = None
    root: str = "."
    previews: bool = True
    variables: Sequence[VariableValue] = ()


class PlatformClient:
    """A platform's API, typed; to be used in an ``async with`` block.

    Every method raises ``PlatformError`` if the platform refuses or fails, ``NotAuthorizedError`` if it does not
    accept the token and ``UnreachableError`` if it does not answer.

    Args:
        url: The platform's address.
        token: The API token.
        transport: What carries requests; default: the network.
        patience: Seconds for which a stream that broke is tried again.

    Example:
        >>> async with PlatformClient("http://127.0.0.1:7400", token) as platform:
        ...     accepted = await platform.create_project(ProjectRequest("shop", "https://example.com/shop.git"))
        ...     async for change in platform.follow_execution(accepted):
        ...         print(change)
    """

    def __init__(
        self, url: str, token: Secret, *, transport: httpx.AsyncBaseTransport | None = None, patience: float = 60.0
    ) -> None:
        self._connection = Connection(url, token, transport=transport, patience=patience)

    @property
    def url(self) -> str:
        """The platform's address, without a slash at the end."""
        return self._connection.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.__aexit__()

    async def whoami(self) -> Caller:
        """Return whose token it is."""
        return await self._connection.ask("GET", "/whoami", Caller)

    async def doctor(self) -> Diagnosis:
        """Return in what the platform's ledger and reality differ."""
        return await self._connection.ask("GET", "/doctor", Diagnosis)

    async def create_project(self, request: ProjectRequest, *, key: str | None = None) -> str:
        """Create a project; return the execution that does it.

        Args:
            request: What it is created from.
            key: An idempotency key: the same key joins the same creation. Default: the platform's choice.
        """
        body = {
            "name": request.name,
            "repository": request.repository,
            "branch": request.branch,
            "root": request.root,
            "previews": request.previews,
            "variables": [_variable(each) for each in request.variables],
        }
        headers = {"Idempotency-Key": key} if key else None
        return await self._start("POST", "/projects", body=body, headers=headers)

    async def projects(self) -> list[ProjectInfo]:
        """Return all projects, by name."""
        found: list[ProjectInfo] = []
        cursor: str | None = None
        while True:
            query: Query = {"limit": _PAGE, "cursor": cursor}
            page = await self._connection.ask("GET", "/projects", Listed[ProjectInfo], query=query)
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    async def project(self, name: str) -> ProjectDetail:
        """Return a project with its environments."""
        return await self._connection.ask("GET", f"/projects/{_part(name)}", ProjectDetail)

    async def delete_project(self, name: str) -> str:
        """Delete a project; return the execution that does it."""
        return await self._start("DELETE", f"/projects/{_part(name)}")

    async def set_variables(self, name: str, variables: Sequence[VariableValue]) -> list[VariableInfo]:
        """Set variables of a project; return all that it has, without values."""
        body = {"variables": [_variable(each) for each in variables]}
        path = f"/projects/{_part(name)}/variables"
        return (await self._connection.ask("PUT", path, VariableList, body=body)).variables

    async def unset_variables(self, name: str, names: Sequence[str]) -> list[VariableInfo]:
        """Delete variables of a project, all or none; return all that it has then, without values."""
        path = f"/projects/{_part(name)}/variables"
        return (await self._connection.ask("DELETE", path, VariableList, query={"name": list(names)})).variables

    async def variables(self, name: str) -> list[VariableInfo]:
        """Return a project's variables, without values."""
        return (await self._connection.ask("GET", f"/projects/{_part(name)}/variables", VariableList)).variables

    async def environments(self, name: str) -> list[EnvironmentInfo]:
        """Return a project's environments, production first."""
        path = f"/projects/{_part(name)}/environments"
        return (await self._connection.ask("GET", path, EnvironmentList)).environments

    async def remove_environment(self, name: str, environment: str) -> str:
        """Remove a preview; return the execution that does it."""
        return await self._start("DELETE", f"/projects/{_part(name)}/environments/{_part(environment)}")

    async def deploy(self, name: str, *, branch: str | None = None, ref: str | None = None) -> str:
        """Deploy a branch's head or a commit; return the execution that does it."""
        return await self._start("POST", f"/projects/{_part(name)}/deployments", body={"branch": branch, "ref": ref})

    async def deployments(self, name: str, *, environment: str | None = None, limit: int = 50) -> list[DeploymentInfo]:
        """Return a project's newest deployments, newest first."""
        query: Query = {"environment": environment, "limit": limit}
        path = f"/projects/{_part(name)}/deployments"
        return (await self._connection.ask("GET", path, Listed[DeploymentInfo], query=query)).items

    async def deployment(self, deployment: str) -> DeploymentDetail:
        """Return a deployment with its history."""
        return await self._connection.ask("GET", f"/deployments/{_part(deployment)}", DeploymentDetail)

    async def log(self, deployment: str, kind: LogKind, *, tail: int | None = None) -> str:
        """Return a log, whole or its last lines."""
        path = f"/deployments/{_part(deployment)}/log"
        answer = await self._connection.send("GET", path, query={"kind": kind, "tail": tail})
        text = [answer.content]
        while answer.content:
            following = answer.headers.get("X-Next-Offset", "")
            answer = await self._connection.send("GET", path, query={"kind": kind, "offset": following})
            text.append(answer.content)
        return b"".join(text).decode("utf-8", "replace")

    async def follow_log(self, deployment: str, kind: LogKind, *, tail: int | None = None) -> AsyncIterator[str]:
        """Yield a log, from its beginning or its last lines on, and what is appended, until it has ended."""
        offset: int | None = None

        def resume() -> tuple[Query, Mapping[str, str]]:
            return {"kind": kind, "follow": "true", "offset": offset, "tail": tail if offset is None else None}, {}

        async for event in self._connection.stream(f"/deployments/{_part(deployment)}/log", resume):
            if event.name == "end":
                return
            part = self._read(LogPart, event.data)
            offset = part.offset
            yield part.text

    async def executions(
        self,
        *,
        workflow: str | None = None,
        statuses: Sequence[ExecutionStatus] = (),
        limit: int = 50,
        before: str | None = None,
        queue: str | None = None,
    ) -> list[ExecutionInfo]:
        """Return the newest executions that were not called by another, newest first.

        Args:
            workflow: Only of this workflow.
            statuses: Only with one of these.
            limit: How many.
            before: Only those that are listed after this execution.
            queue: Only of this queue.
        """
        query: Query = {
            "workflow": workflow,
            "status": list(statuses),
            "limit": limit,
            "before": before,
            "queue": queue,
        }
        return (await self._connection.ask("GET", "/executions", Listed[ExecutionInfo], query=query)).items

    async def execution(self, execution: str) -> ExecutionDetail:
        """Return an execution with its steps."""
        return await self._connection.ask("GET", f"/executions/{_part(execution)}", ExecutionDetail)

    async def follow_execution(self, execution: str) -> AsyncIterator[ExecutionDetail | ExecutionEventInfo]:
        """Yield states and events of an execution and of those that it calls, until it has ended; no event twice."""
        seen: dict[str, int] = {}

        def resume() -> tuple[Query, Mapping[str, str]]:
            return {}, {}

        async for received in self._connection.stream(f"/executions/{_part(execution)}/events", resume):
            if received.name == "state":
                state = self._read(ExecutionDetail, received.data)
                yield state
                continue
            event = self._read(ExecutionEventInfo, received.data)
            if 0 < event.seq <= seen.get(event.execution, 0):
                continue
            seen[event.execution] = max(event.seq, seen.get(event.execution, 0))
            yield event
            if event.execution == execution and event.name == "execution.finished":
                return

    async def cancel_execution(self, execution: str) -> bool:
        """Ask an execution to end; False if it had ended or had been asked before."""
        path = f"/executions/{_part(execution)}/cancel"
        return (await self._connection.ask("POST", path, CancelAnswer)).accepted

    async def retry_execution(self, execution: str) -> str:
        """Try again to undo an execution that ended failed; return its id."""
        return await self._start("POST", f"/executions/{_part(execution)}/retry")

    async def fork_execution(self, execution: str, from_step: str, *, id: str | None = None) -> str:  # noqa: A002
        """Do an execution again from a step on; return the new execution's id."""
        return await self._start(
            "POST", f"/executions/{_part(execution)}/fork", body={"from_step": from_step, "id": id}
        )

    async def rerun_execution(self, execution: str, *, id: str | None = None) -> str:  # noqa: A002
        """Do an execution again from its beginning; return the new execution's id."""
        return await self._start("POST", f"/executions/{_part(execution)}/rerun", body={"id": id})

    async def execution_history(self, execution: str) -> HistoryInfo:
        """Return everything that happened in an execution."""
        return await self._connection.ask("GET", f"/executions/{_part(execution)}/history", HistoryInfo)

    async def execution_graph(self, execution: str, form: GraphFormat) -> str:
        """Return a picture of an execution."""
        path = f"/executions/{_part(execution)}/graph"
        return (await self._connection.send("GET", path, query={"format": form})).text

    async def workflows(self) -> list[WorkflowInfo]:
        """Return the workflows that the platform knows, by name."""
        return (await self._connection.ask("GET", "/workflows", WorkflowList)).workflows

    async def workflow_graph(self, name: str, form: GraphFormat) -> str:
        """Return a picture of a workflow."""
        return (await self._connection.send("GET", f"/workflows/{_part(name)}/graph", query={"format": form})).text

    async def _start(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        return (await self._connection.ask(method, path, Accepted, body=body, headers=headers)).execution

    def _read(self, model: type[T], data: str) -> T:
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            raise foreign_answer(httpx.URL(self.url)) from error


def _part(text: str) -> str:
    """Return a name or an id as one part of a path."""
    return quote(text, safe="")


def _variable(variable: VariableValue) -> dict[str, str]:
    return {"name": variable.name, "value": variable.value.reveal(), "scope": variable.scope}
