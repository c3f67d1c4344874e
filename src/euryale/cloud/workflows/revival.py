"""Revival: an environment that is live is brought back after the machine or its processes went down."""

from pathlib import Path

import msgspec

from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.modules.deployments import Deployments
from euryale.cloud.modules.projects import Environment, Project
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.router.contract import Route, Router
from euryale.cloud.providers.runtime.contract import InstanceIntent, Runtime
from euryale.cloud.workflows.references import Place
from euryale.cloud.workflows.steps.release import WEB
from euryale.kit.secret import Secret


class Revival:
    """Starts the database, the processes and the route of a live environment, where they do not run."""

    def __init__(self, databases: Databases, runtime: Runtime, router: Router, deployments: Deployments) -> None:
        self._databases = databases
        self._runtime = runtime
        self._router = router
        self._deployments = deployments

    async def serve_database(self, project: Project, environment: Environment) -> None:
        """Start an environment's database if it does not run, whatever else is at work on it.

        Raises:
            ProviderError: If it cannot be started.
        """
        await self._databases.connect(project.name, environment.name)

    async def revive(self, project: Project, environment: Environment, *, completely: bool = True) -> None:
        """Bring an environment back; what runs is left alone. Nothing else may be at work on it.

        Args:
            project: The project.
            environment: Its environment.
            completely: Whether its route is looked after even if all of its processes run.

        Raises:
            ProviderError: If something cannot be started.
        """
        live = await self._deployments.live(environment.id)
        if live is None:
            return
        place = Place(project.name, environment.name)
        snapshot = await self._deployments.snapshot(live.id)
        plan = msgspec.json.decode(snapshot.plan, type=BuildPlan)
        instances = await self._runtime.instances(place.app)
        running = {each.name for each in instances if each.state in {"starting", "running"}}
        names = {process.name: place.instance(process.name, live.number) for process in plan.processes}
        if not completely and running.issuperset(names.values()):
            return
        branch = await self._databases.connect(place.project, place.environment)
        env = {"DATABASE_URL": branch.url, **snapshot.runtime}
        for process in plan.processes:
            own = {key: Secret(value) for key, value in process.env}
            artifact = Path(live.artifact)
            intent = InstanceIntent(place.app, names[process.name], artifact, plan, process.command, {**env, **own})
            instance = await self._runtime.start(intent)
            if process.name == WEB and instance.address:
                await self._deployments.describe(live.id, address=instance.address)
                await self._router.put(Route(place.app, (environment.host,), (instance.address,)))
