"""The runtime for tests: remembers what was asked of it and runs nothing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from euryale.cloud.providers.errors import GoneError
from euryale.cloud.providers.runtime.contract import Instance, InstanceIntent, ReleaseFailedError, UnhealthyError
from euryale.cloud.providers.runtime.names import check_handle

_FIRST_PORT = 21_000


class MemoryRuntime:
    """Behaves as the contract says, at once and in memory.

    Args:
        failures: Shell lines that fail, each with what it prints: as a release it fails, as an instance it never
            becomes healthy.
        logs: The directory under which logs are said to be; nothing is written there.

    Attributes:
        released: Every command run by ``release``, in order, as (app, name, line).
    """

    def __init__(self, *, failures: Mapping[str, str] | None = None, logs: Path = Path("memory")) -> None:
        self.released: list[tuple[str, str, str]] = []
        self._failures = dict(failures or {})
        self._logs = logs
        self._apps: dict[str, dict[str, tuple[InstanceIntent, Instance]]] = {}
        self._next_port = _FIRST_PORT

    async def release(self, intent: InstanceIntent) -> None:
        """Remember the command, or fail if its line is one of ``failures``."""
        check_handle(intent.name)
        self._apps.setdefault(check_handle(intent.app), {})
        self.released.append((intent.app, intent.name, intent.command.line))
        if (printed := self._failures.get(intent.command.line)) is not None:
            raise ReleaseFailedError(f"{intent.command.line!r} failed: {printed}")

    async def start(self, intent: InstanceIntent) -> Instance:
        """Remember the instance, or return the one of that name."""
        check_handle(intent.name)
        instances = self._apps.setdefault(check_handle(intent.app), {})
        if intent.name not in instances:
            failing = intent.command.line in self._failures
            address = f"127.0.0.1:{self._next_port}"
            self._next_port += 1
            instance = Instance(intent.name, address, "backoff" if failing else "running", restarts=0)
            instances[intent.name] = (intent, instance)
        return instances[intent.name][1]

    async def ready(self, app: str, name: str, *, path: str, timeout: float) -> None:  # noqa: ASYNC109 -- the contract's
        """Return at once, or fail if its line is one of ``failures``."""
        try:
            intent, instance = self._apps[app][name]
        except KeyError:
            raise GoneError(f"There is no instance {name!r} of {app!r}.") from None
        if instance.state == "backoff":
            raise UnhealthyError(
                f"{name} did not become healthy within {timeout:g} s: GET {path}: connection refused. "
                f"Its last lines:\n{self._failures.get(intent.command.line, '')}"
            )

    async def instances(self, app: str) -> tuple[Instance, ...]:
        """Return the instances of an environment."""
        return tuple(instance for _, instance in self._apps.get(app, {}).values())

    async def stop(self, app: str, name: str, *, grace: float = 30.0) -> None:  # noqa: ARG002 -- the contract's
        """Forget the instance."""
        self._apps.get(check_handle(app), {}).pop(check_handle(name), None)

    async def destroy(self, app: str) -> None:
        """Forget the environment."""
        self._apps.pop(check_handle(app), None)

    def log(self, app: str, name: str) -> Path:
        """Return where its log would be."""
        return self._logs / check_handle(app) / f"{check_handle(name)}.log"

    async def inventory(self) -> frozenset[str]:
        """Return what was started and not stopped."""
        return frozenset(self._apps).union(
            f"{app}/{name}" for app, instances in self._apps.items() for name in instances
        )

    def kill(self, app: str, name: str) -> None:
        """Let the instance die and be started again."""
        intent, instance = self._apps[app][name]
        self._apps[app][name] = (intent, replace(instance, restarts=instance.restarts + 1))

    def addresses(self) -> Mapping[str, str]:
        """Return who answers where: ``app/instance`` by address."""
        return {
            instance.address: f"{app}/{name}"
            for app, instances in self._apps.items()
            for name, (_, instance) in instances.items()
        }

    def lose(self) -> None:
        """Forget all instances, as when the machine went down; the environments stay."""
        for instances in self._apps.values():
            instances.clear()
