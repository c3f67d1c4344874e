"""The contract of the runtime family."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from euryale.cloud.buildplan.plan import BuildPlan, Command
from euryale.cloud.providers.errors import PermanentError
from euryale.kit.secret import Secret


class ReleaseFailedError(PermanentError):
    """A predeploy command (such as the migrations) failed. The message names it and shows its last lines."""

    code = "cloud.runtime.release_failed"


class UnhealthyError(PermanentError):
    """The application did not become healthy in time. The message shows the last answer and its last lines."""

    code = "cloud.runtime.unhealthy"


@dataclass(frozen=True, slots=True)
class InstanceIntent:
    """What to run.

    Attributes:
        app: The environment's handle.
        name: The instance's handle, unique in the platform: the same name is the same instance.
        artifact: The directory that a builder made.
        plan: How it was built; says which runtime version it needs.
        command: What to run.
        env: Its whole environment but for ``PORT``, ``PATH`` and the like, which the runtime adds.
        memory: Bytes it may take, or None.
    """

    app: str
    name: str
    artifact: Path
    plan: BuildPlan
    command: Command
    env: Mapping[str, Secret]
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A process that the runtime keeps running.

    Attributes:
        name: Its handle.
        address: ``host:port`` on which it is to answer.
        state: ``backoff``: it died and waits to be started again; ``stopped``: it is not to run.
        restarts: How often it was started again.
    """

    name: str
    address: str
    state: Literal["starting", "running", "backoff", "stopped"]
    restarts: int


class Runtime(Protocol):
    """Keeps processes running: they outlive the platform, and start again when they die.

    Every method may be repeated after an unknown outcome.
    """

    async def release(self, intent: InstanceIntent) -> None:
        """Run a command once, to its end, and wait for it.

        Raises:
            ReleaseFailedError: If it exits with a status other than 0, or takes too long.
        """
        ...

    async def start(self, intent: InstanceIntent) -> Instance:
        """Start an instance, or adopt the one of that name (started again if it had been lost).

        Raises:
            ProviderUnavailableError: If no port or no process can be had.
        """
        ...

    async def ready(self, app: str, name: str, *, path: str, timeout: float) -> None:  # noqa: ASYNC109 -- a promise
        """Wait until ``path`` of the instance answers with a status below 400.

        Raises:
            UnhealthyError: If it does not within ``timeout`` seconds, or the process keeps dying.
            GoneError: If there is no such instance.
        """
        ...

    async def instances(self, app: str) -> tuple[Instance, ...]:
        """Return the instances of an environment."""
        ...

    async def stop(self, app: str, name: str, *, grace: float = 30.0) -> None:
        """Ask the instance to end, end it after ``grace`` seconds, and forget it; what is gone is done."""
        ...

    async def destroy(self, app: str) -> None:
        """Stop every instance of the environment and delete its logs."""
        ...

    def log(self, app: str, name: str) -> Path:
        """Return the file to which the instance's output is appended; it may not exist yet."""
        ...

    async def inventory(self) -> frozenset[str]:
        """Return what really exists, as ``app`` and ``app/instance``: for the audit."""
        ...
