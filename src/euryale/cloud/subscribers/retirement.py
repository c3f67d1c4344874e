"""What a deployment has replaced is taken away, once it is live for good."""

from typing import Any

from euryale.cloud.modules.deployments import Deployments, UnknownDeploymentError
from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.workflows.retirement import Retirement
from euryale.cloud.workflows.steps.policy import RELENTLESS, SLOW
from euryale.framework.events import Event, subscriber


@subscriber("deployment.live", name="retire", retry=RELENTLESS, timeout=SLOW)
async def retire(event: Event[dict[str, Any]], *, retirement: Retirement, deployments: Deployments) -> None:
    """Stop the former processes and delete old artifacts; while that fails the deployment carries a warning."""
    deployment = str(event.data["deployment"])
    try:
        await retirement.retire_before(deployment)
    except ProviderError as error:
        await _warn(deployments, deployment, f"What it has replaced could not be taken away: {error}")
        raise
    await _warn(deployments, deployment, "")


async def _warn(deployments: Deployments, deployment: str, warning: str) -> None:
    try:
        if (await deployments.get(deployment)).warning != warning:
            await deployments.describe(deployment, warning=warning)
    except UnknownDeploymentError:
        return
