"""Workflows: which there are, and what they do."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from euryale.cloud.api.drawings import PICTURES, Format, picture
from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.wire.executions import WorkflowInfo, WorkflowList
from euryale.cloud.wire.names import WorkflowName
from euryale.framework.http import Inject
from euryale.workflows import Engine
from euryale.workflows.drawing import DRAWINGS

router = APIRouter(prefix=f"{PREFIX}/workflows", tags=["executions"], dependencies=[ANYONE_KNOWN])


@router.get("")
async def list_workflows(engine: Inject[Engine]) -> WorkflowList:
    """List the workflows that the platform knows, each in its highest version, by name."""
    plans = [each.plan for each in engine.workflows()]
    return WorkflowList(
        workflows=[WorkflowInfo(name=plan.name, version=plan.version, title=plan.title) for plan in plans]
    )


@router.get("/{name:path}/graph", responses=PICTURES, response_class=Response)
async def draw_workflow(
    name: Annotated[WorkflowName, Path(description="the workflow's name")], engine: Inject[Engine], form: Format = "svg"
) -> Response:
    """Draw what a workflow does."""
    return picture(DRAWINGS[form](engine.workflow(name).plan), form)
