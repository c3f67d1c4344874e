"""Gathers, from the engine and the modules, what is told of an execution or an environment."""

from collections.abc import Mapping

from euryale.cloud.api.views import ExecutionContext, environment_info, execution_detail
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.projects import Environment, Project, Projects
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.wire.executions import ExecutionDetail
from euryale.cloud.wire.projects import EnvironmentInfo
from euryale.workflows import Engine, ExecutionQuery, ExecutionView
from euryale.workflows.definition.nodes import StepNode

_MOST_CHILDREN = 200


async def describe_execution(execution_id: str, engine: Engine, deployments: Deployments) -> ExecutionDetail:
    """Return an execution with its steps.

    Raises:
        UnknownExecutionError: If there is none.
    """
    view = await engine.get(execution_id)
    called = await engine.list(ExecutionQuery(parent_id=execution_id, limit=_MOST_CHILDREN))
    deployment = await deployments.by_execution(execution_id)
    context = ExecutionContext(
        children=frozenset(each.id for each in called),
        attempts=_attempts_of(view, engine),
        deployment="" if deployment is None else deployment.id,
    )
    return execution_detail(view, context)


def _attempts_of(view: ExecutionView, engine: Engine) -> Mapping[str, int]:
    """Return how many attempts each step is given; nothing for a version that is no longer known."""
    for workflow in engine.workflows():
        plan = workflow.plan
        if (plan.name, plan.version) == (view.workflow, view.version):
            steps = (node for node in plan.nodes.values() if isinstance(node, StepNode))
            return {node.id: node.step.options.retry.max_attempts for node in steps}
    return {}


async def describe_environments(
    project: Project, projects: Projects, deployments: Deployments, router: Router
) -> list[EnvironmentInfo]:
    """Return a project's environments, production first."""
    found = await projects.environments(project.id)
    return [await _describe_environment(each, deployments, router) for each in found]


async def _describe_environment(environment: Environment, deployments: Deployments, router: Router) -> EnvironmentInfo:
    live = await deployments.live(environment.id)
    return environment_info(environment, url=router.url(environment.host), live=live)
