"""The contract of the builder family."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError
from euryale.kit.secret import Secret


class BuildFailedError(PermanentError):
    """A command of the build failed. The message names the command and shows the last lines of its output."""

    code = "cloud.builder.build_failed"


class BuildTimedOutError(PermanentError):
    """The build took longer than allowed and was ended. Look at the log for what it waited for."""

    code = "cloud.builder.timed_out"


class BuildLostError(ProviderUnavailableError):
    """The build ended without an outcome: the machine went down, or its processes were killed. Start it again."""

    code = "cloud.builder.lost"


@dataclass(frozen=True, slots=True)
class BuildIntent:
    """What to build.

    Attributes:
        pipeline: The project's pipeline, made by ``create_pipeline``.
        name: The build's handle, unique in the platform: the same name is the same build.
        source: A checkout of the commit; the builder copies or moves it and never writes to the caller's.
        plan: How to build it.
        env: The variables that the build may see, secret ones included.
        timeout: Seconds after which it is ended.
    """

    pipeline: str
    name: str
    source: Path
    plan: BuildPlan
    env: Mapping[str, Secret]
    timeout: float = 1800.0


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """Where a build stands.

    Attributes:
        state: ``succeeded`` comes with ``artifact``, ``failed`` and ``timed_out`` with ``reason``.
        phase: The phase of the plan that runs, or that ended it; ``queued`` before the first.
        artifact: The directory that holds the artifact, to be handed to a runtime.
        reason: What a person should read: the failing line, its exit code, the last lines of output.
    """

    state: Literal["running", "succeeded", "failed", "timed_out"]
    phase: str
    artifact: Path | None = None
    reason: str = ""


class Builder(Protocol):
    """Makes an artifact from a commit.

    A build runs outside of the platform's process: it goes on while the platform is down, and ``start`` with the same
    name finds it again, running or finished. Every method may be repeated after an unknown outcome.
    """

    async def create_pipeline(self, pipeline: str) -> None:
        """Make room for a project's builds and caches; what exists is adopted."""
        ...

    async def destroy_pipeline(self, pipeline: str) -> None:
        """Delete it with all of its builds, ending those that run; what is gone is done."""
        ...

    async def start(self, intent: BuildIntent) -> None:
        """Begin the build, or adopt the one of that name; one that was lost begins anew.

        Raises:
            PermanentError: If a name cannot be one, or nothing here can run the plan.
            GoneError: If there is no such pipeline.
            ProviderUnavailableError: If no build can be taken now (a full disk, too many at once).
        """
        ...

    async def poll(self, pipeline: str, name: str) -> BuildStatus:
        """Say where it stands.

        Raises:
            GoneError: If there is no build of that name.
            BuildLostError: If it ended without an outcome; ``start`` begins it anew.
        """
        ...

    async def wait(self, pipeline: str, name: str) -> BuildStatus:
        """Return when it is no longer running. Raises as ``poll`` does."""
        ...

    async def destroy(self, pipeline: str, name: str) -> None:
        """End the build if it runs, with all of its processes, and delete its files, artifact included."""
        ...

    def log(self, pipeline: str, name: str) -> Path:
        """Return the file to which the build's output is appended, secrets masked; it may not exist yet."""
        ...

    async def inventory(self) -> frozenset[str]:
        """Return what really exists, as ``pipeline`` and ``pipeline/build``: for the audit."""
        ...
