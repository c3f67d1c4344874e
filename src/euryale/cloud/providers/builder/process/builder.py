"""The member of the builder family that runs a plan's commands as processes of this machine."""

import asyncio
import os
import shutil
from pathlib import Path
from weakref import WeakValueDictionary

from euryale.cloud.host.account import service_account
from euryale.cloud.host.errors import HostError, ToolchainInstallError
from euryale.cloud.host.own_wheel import own_wheel
from euryale.cloud.host.reach import barrier
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.contract import BuildIntent, BuildStatus
from euryale.cloud.providers.builder.process.environment import Writable, build_environment
from euryale.cloud.providers.builder.process.layout import BuilderFiles, BuildFiles
from euryale.cloud.providers.builder.process.lifetime import begin, end, look, stands
from euryale.cloud.providers.builder.process.linking import remove_tree
from euryale.cloud.providers.builder.process.masking import maskable
from euryale.cloud.providers.builder.process.specification import BuildSpec
from euryale.cloud.providers.errors import GoneError, PermanentError, ProviderUnavailableError

_GIB = 1024**3
_PRIVATE = 0o700
_PASSABLE = 0o711
_LOOK_EVERY = 0.1
_PROVIDED_EXTRA = "framework"


class ProcessBuilder:
    """Builds as processes of this machine, which go on while the platform is down.

    Args:
        root: The directory that is the builder's own. The account must be able to pass through all above it.
        toolchains: Where Node, Python and the package managers come from.
        account: The name of the account that a repository's commands run as, when the platform runs as root.
        slots: How many builds may run at a time; others wait in the queue, whose time does not count.
        minimum_free_disk: Bytes of free disk below which no build is taken.
        dependencies_budget: Bytes that the kept installs of one pipeline may take; the least recently used go first.
    """

    def __init__(
        self,
        root: Path,
        *,
        toolchains: Toolchains,
        account: str = "euryale-app",
        slots: int = 2,
        minimum_free_disk: int = 2 * _GIB,
        dependencies_budget: int = 5 * _GIB,
    ) -> None:
        self._files = BuilderFiles(root.resolve())
        self._toolchains = toolchains
        self._account = account
        self._slots = slots
        self._minimum_free_disk = minimum_free_disk
        self._dependencies_budget = dependencies_budget
        self._wheel: Path | None = None
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def create_pipeline(self, pipeline: str) -> None:
        """Make room for a project's builds and caches; what exists is adopted.

        Raises:
            PermanentError: If the name cannot be one, or the account cannot get to the builder's directory.
        """
        await asyncio.to_thread(self._make_room, pipeline)

    async def destroy_pipeline(self, pipeline: str) -> None:
        """Delete it with all of its builds, ending those that run; what is gone is done."""
        files = self._files.pipeline(pipeline)
        for build in await asyncio.to_thread(_children, files.builds):
            await self.destroy(pipeline, build)
        await asyncio.to_thread(remove_tree, files.directory)

    async def start(self, intent: BuildIntent) -> None:
        """Begin the build, or adopt the one of that name; one that was lost begins anew."""
        files = self._files.build(intent.pipeline, intent.name)
        async with self._lock(files):
            if not await asyncio.to_thread(self._files.pipeline(intent.pipeline).builds.is_dir):
                raise GoneError(f"There is no pipeline {intent.pipeline!r}.")
            if await asyncio.to_thread(stands, files):
                return
            await asyncio.to_thread(self._require_disk)
            spec = await self._specify(intent)
            await asyncio.to_thread(self._begin, files, intent.source, spec)

    async def poll(self, pipeline: str, name: str) -> BuildStatus:
        """Say where it stands."""
        return await asyncio.to_thread(look, self._files.build(pipeline, name))

    async def wait(self, pipeline: str, name: str) -> BuildStatus:
        """Return when it is no longer running."""
        while (status := await self.poll(pipeline, name)).state == "running":  # noqa: ASYNC110 -- another process ends it
            await asyncio.sleep(_LOOK_EVERY)
        return status

    async def destroy(self, pipeline: str, name: str) -> None:
        """End the build if it runs, with all of its processes, and delete its files, artifact included."""
        files = self._files.build(pipeline, name)
        async with self._lock(files):
            await asyncio.to_thread(end, files)

    def log(self, pipeline: str, name: str) -> Path:
        """Return the file to which the build's output is appended, secrets masked; it may not exist yet."""
        return self._files.build(pipeline, name).log

    async def inventory(self) -> frozenset[str]:
        """Return what really exists, as ``pipeline`` and ``pipeline/build``: for the audit."""
        return await asyncio.to_thread(self._inventory)

    def _lock(self, files: BuildFiles) -> asyncio.Lock:
        return self._locks.setdefault(files.directory, asyncio.Lock())

    def _make_room(self, pipeline: str) -> None:
        files = self._files.pipeline(pipeline)
        account = service_account(self._account)
        for directory in (self._files.root, self._files.pipelines, files.directory, files.builds):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(_PASSABLE)
        for directory in (files.dependencies, self._files.slots):
            directory.mkdir(mode=_PRIVATE, exist_ok=True)
        for directory in (files.home, self._files.downloads):
            directory.mkdir(mode=_PRIVATE, exist_ok=True)
            account.own(directory)
        blocked = barrier(self._files.root, account)
        if blocked is not None:
            raise PermanentError(
                f"The account {account.name} cannot pass through {blocked}, so no build can run below it.",
                hint="Keep the platform's data elsewhere, such as in /var/lib, or allow it with `chmod o+x`.",
            )

    def _require_disk(self) -> None:
        free = shutil.disk_usage(self._files.root).free
        if free < self._minimum_free_disk:
            raise ProviderUnavailableError(
                f"No build is taken: {free / _GIB:.1f} GiB of disk are free, "
                f"and a build needs {self._minimum_free_disk / _GIB:.1f} GiB.",
                hint="Delete what is not needed; what runs goes on running.",
            )

    async def _specify(self, intent: BuildIntent) -> BuildSpec:
        plan = intent.plan
        path = await self._path(intent)
        pipeline = self._files.pipeline(intent.pipeline)
        user = {name: value.reveal() for name, value in intent.env.items()}
        env = build_environment(
            operator=os.environ,
            plan=dict(plan.env),
            user=user,
            path=path,
            writable=Writable(
                home=pipeline.home,
                downloads=self._files.downloads,
                temporary=self._files.build(intent.pipeline, intent.name).temporary,
            ),
            manager=plan.package_manager.name,
        )
        return BuildSpec(
            plan=plan,
            account=self._account,
            env=env,
            masked=maskable(user.values(), public=[value for _, value in plan.env]),
            slots=tuple(str(self._files.slots / str(number)) for number in range(self._slots)),
            dependencies=str(pipeline.dependencies),
            dependencies_budget=self._dependencies_budget,
            toolchain=tuple(str(entry) for entry in path),
            provided=await asyncio.to_thread(self._provided) if plan.provides else "",
            timeout=intent.timeout,
        )

    async def _path(self, intent: BuildIntent) -> tuple[Path, ...]:
        plan = intent.plan
        node_major = plan.runtime_version if plan.language == "node" else None
        manager = plan.package_manager
        try:
            runtime = await self._toolchains.path_entries(plan.language, plan.runtime_version)
            own = await self._toolchains.package_manager_entries(manager.name, manager.version, node_major)
        except ToolchainInstallError as error:
            raise ProviderUnavailableError(error.message, hint=error.hint) from error
        except HostError as error:
            raise PermanentError(error.message, hint=error.hint) from error
        return (*own, *runtime)

    def _provided(self) -> str:
        wheel = self._wheel or own_wheel(self._files.root / "wheels")
        self._wheel = wheel
        for directory in (wheel.parent.parent, wheel.parent):
            directory.chmod(0o755)
        return f"euryale[{_PROVIDED_EXTRA}] @ {wheel.as_uri()}"

    def _begin(self, files: BuildFiles, source: Path, spec: BuildSpec) -> None:
        try:
            begin(files, source, spec, service_account(self._account))
        except OSError as error:
            raise ProviderUnavailableError(f"The build could not be begun: {error.strerror}.") from error

    def _inventory(self) -> frozenset[str]:
        pipelines = _children(self._files.pipelines)
        builds = {f"{each}/{build}" for each in pipelines for build in _children(self._files.pipeline(each).builds)}
        return frozenset(builds.union(pipelines))


def _children(directory: Path) -> list[str]:
    entries = directory.iterdir() if directory.is_dir() else ()
    return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
