"""How steps write down what they are about to make for an environment."""

from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.ledger import Family, Ledger
from euryale.cloud.workflows.references import EnvironmentRef
from euryale.workflows import step_context


async def intend_for(
    environment: EnvironmentRef, family: Family, name: str, *, ledger: Ledger, deployments: Deployments
) -> None:
    """Write down what is about to be made, and what a live deployment has already is its maker's.

    Where none is live, what is there was left by an execution that could not undo it; it becomes this one's.
    """
    context = step_context()
    project, execution = environment.project.name, context.execution
    if await deployments.live(environment.id) is not None:
        await ledger.intend(family, name, project=project, environment=environment.id, execution=execution)
    else:
        await ledger.adopt(
            family, name, project=project, environment=environment.id, execution=execution, root=context.root
        )
