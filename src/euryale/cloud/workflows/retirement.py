"""Retirement: what a deployment has replaced is stopped, and old artifacts are deleted.

It follows the event that the deployment is live, which is told only when its outermost execution has succeeded. Until
then everything may still be undone, and the former deployment must be there to go on serving.
"""

from euryale.cloud.logs import LogBook
from euryale.cloud.modules.deployments import Deployment, Deployments, DeploymentState, UnknownDeploymentError
from euryale.cloud.modules.ledger import Family, Ledger, Resource
from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.settings import PlatformSettings


class Retirement:
    """Takes away what earlier deployments of an environment left; later ones are not touched."""

    def __init__(
        self,
        deployments: Deployments,
        ledger: Ledger,
        runtime: Runtime,
        router: Router,
        builder: Builder,
        logs: LogBook,
        settings: PlatformSettings,
    ) -> None:
        self._deployments = deployments
        self._ledger = ledger
        self._runtime = runtime
        self._router = router
        self._builder = builder
        self._logs = logs
        self._kept = settings.keep_builds

    async def retire_before(self, deployment_id: str) -> None:
        """Stop the processes of the deployments before this one, and delete all but the newest of their artifacts.

        Nothing happens if the deployment is gone.

        Raises:
            ProviderError: If something could not be stopped or deleted; do it again.
        """
        try:
            deployment = await self._deployments.get(deployment_id)
        except UnknownDeploymentError:
            return
        resources = await self._ledger.list(environment=deployment.environment_id)
        for resource in resources:
            if resource.family is Family.RUNTIME and _number(resource) in range(1, deployment.number):
                await self._stop(resource)
        await self._prune(deployment, resources)

    async def _stop(self, resource: Resource) -> None:
        """Stop an instance when the requests that it has are answered."""
        app, _, name = resource.name.partition("/")
        for instance in await self._runtime.instances(app):
            if instance.name == name:
                await self._router.drain(instance.address)
        # the environment may have been removed meanwhile, and made anew: then the name is another's
        if await self._ledger.made_by(resource.family, resource.name, resource.execution):
            await self._runtime.stop(app, name)
            await self._ledger.forget(resource.family, resource.name)

    async def _prune(self, live: Deployment, resources: tuple[Resource, ...]) -> None:
        builds = {_number(each): each for each in resources if each.family is Family.BUILDER}
        former = [
            each
            for each in await self._deployments.of_environment(live.environment_id)
            if each.number in builds and each.number < live.number
        ]
        kept = [each.id for each in former if each.state is DeploymentState.SUPERSEDED][: self._kept - 1]
        for deployment in former:
            if deployment.id not in kept:
                await self._delete_build(deployment, builds[deployment.number])

    async def _delete_build(self, deployment: Deployment, resource: Resource) -> None:
        if not await self._ledger.made_by(resource.family, resource.name, resource.execution):
            return
        pipeline, _, build = resource.name.partition("/")
        await self._logs.keep(deployment.id, self._builder.log(pipeline, build))
        await self._deployments.describe(deployment.id, artifact="")
        await self._builder.destroy(pipeline, build)
        await self._ledger.forget(resource.family, resource.name)


def _number(resource: Resource) -> int:
    """Return the number of the deployment that an instance or a build is of; 0 for an environment's own place."""
    _, _, name = resource.name.partition("/")
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
