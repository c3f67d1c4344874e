"""A builder that only keeps books: for tests."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from euryale.cloud.providers.builder.contract import BuildIntent, BuildLostError, BuildStatus
from euryale.cloud.providers.builder.names import check_names
from euryale.cloud.providers.errors import GoneError, ProviderUnavailableError

_RUNNING = BuildStatus("running", "build")


@dataclass(slots=True)
class _Build:
    status: BuildStatus
    over: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False


class MemoryBuilder:
    """Builds that end as the test says.

    A build runs until :meth:`finish` is called for it, unless :attr:`outcomes` or :attr:`outcome` say how it ends.

    Args:
        root: Where artifacts and logs are named; a directory of its own if not given. An artifact is an empty
            directory.
        outcome: What ``start`` makes of a build; with ``succeeded`` and no artifact, one is made.

    Attributes:
        outcome: As given; may be changed.
        outcomes: The same for builds of that name.
        started: The intents that began a build, in order; adopted ones are not among them.
        refusal: What ``start`` raises instead, such as a full disk; None for nothing.
    """

    def __init__(self, root: Path | None = None, *, outcome: BuildStatus = _RUNNING) -> None:
        self.outcome = outcome
        self.outcomes: dict[str, BuildStatus] = {}
        self.started: list[BuildIntent] = []
        self.refusal: ProviderUnavailableError | None = None
        self._root = root or Path(tempfile.mkdtemp(prefix="euryale-builds-"))
        self._pipelines: dict[str, dict[str, _Build]] = {}

    def finish(self, pipeline: str, name: str, outcome: BuildStatus) -> None:
        """Let a running build end."""
        build = self._find(pipeline, name)
        build.status = self._with_artifact(pipeline, name, outcome)
        build.over.set()

    def lose(self, pipeline: str, name: str) -> None:
        """Let a running build end without an outcome, as when the machine goes down."""
        build = self._find(pipeline, name)
        build.lost = True
        build.over.set()

    async def create_pipeline(self, pipeline: str) -> None:
        """Make room for a project's builds."""
        check_names(pipeline)
        self._pipelines.setdefault(pipeline, {})

    async def destroy_pipeline(self, pipeline: str) -> None:
        """Forget a project's builds."""
        check_names(pipeline)
        for build in self._pipelines.pop(pipeline, {}).values():
            build.over.set()

    async def start(self, intent: BuildIntent) -> None:
        """Begin the build, or adopt the one of that name."""
        check_names(intent.pipeline, intent.name)
        builds = self._pipelines.get(intent.pipeline)
        if builds is None:
            raise GoneError(f"There is no pipeline {intent.pipeline!r}.")
        if self.refusal is not None:
            raise self.refusal
        known = builds.get(intent.name)
        if known is None or known.lost:
            self.started.append(intent)
            builds[intent.name] = _Build(_RUNNING)
            outcome = self.outcomes.get(intent.name, self.outcome)
            if outcome.state != "running":
                self.finish(intent.pipeline, intent.name, outcome)

    async def poll(self, pipeline: str, name: str) -> BuildStatus:
        """Say where it stands."""
        build = self._find(pipeline, name)
        if build.lost:
            raise BuildLostError(f"The build {name} ended without an outcome.")
        return build.status

    async def wait(self, pipeline: str, name: str) -> BuildStatus:
        """Return when it is no longer running."""
        await self._find(pipeline, name).over.wait()
        return await self.poll(pipeline, name)

    async def destroy(self, pipeline: str, name: str) -> None:
        """Forget the build."""
        check_names(pipeline, name)
        build = self._pipelines.get(pipeline, {}).pop(name, None)
        if build is not None:
            build.over.set()

    def log(self, pipeline: str, name: str) -> Path:
        """Return the file where its output would be."""
        check_names(pipeline, name)
        return self._root / pipeline / f"{name}.log"

    async def inventory(self) -> frozenset[str]:
        """Return what exists."""
        builds = {f"{pipeline}/{name}" for pipeline, builds in self._pipelines.items() for name in builds}
        return frozenset(builds | self._pipelines.keys())

    def _find(self, pipeline: str, name: str) -> _Build:
        check_names(pipeline, name)
        try:
            return self._pipelines[pipeline][name]
        except KeyError:
            raise GoneError(f"There is no build {name!r} in {pipeline!r}.") from None

    def _with_artifact(self, pipeline: str, name: str, outcome: BuildStatus) -> BuildStatus:
        if outcome.state != "succeeded" or outcome.artifact is not None:
            return outcome
        artifact = self._root / pipeline / name
        artifact.mkdir(parents=True, exist_ok=True)
        return BuildStatus("succeeded", outcome.phase, artifact)
