"""The database provider of a bare machine: a PostgreSQL cluster for each branch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from euryale.cloud.host.account import Account, own_account, service_account
from euryale.cloud.host.errors import NoFreePortError
from euryale.cloud.host.ports import free_port, is_free
from euryale.cloud.providers.database.contract import Branch
from euryale.cloud.providers.database.postgres.builds import Toolbox, build_copy, build_fresh
from euryale.cloud.providers.database.postgres.commands import remove_tree
from euryale.cloud.providers.database.postgres.failures import explained_os_error, os_errors_explained
from euryale.cloud.providers.database.postgres.layout import Layout, Place, is_there
from euryale.cloud.providers.database.postgres.programs import Programs, installed_programs, prepare_programs
from euryale.cloud.providers.database.postgres.reach import make_directory, require_reach
from euryale.cloud.providers.database.postgres.record import (
    BranchRecord,
    read_record,
    sync_directory,
    write_record,
)
from euryale.cloud.providers.database.postgres.server import (
    await_ready,
    end_processes,
    find_postmaster,
    start_server,
    stop_server,
)
from euryale.cloud.providers.database.postgres.space import FRESH_BYTES, MEBIBYTE, require_space, size_of
from euryale.cloud.providers.errors import GoneError, LockedError, ProviderUnavailableError

DEFAULT_PORTS = range(15432, 16432)
_ACCOUNT = "euryale-database"
_START_ATTEMPTS = 3


class PostgresClusters:
    """Makes each branch a PostgreSQL cluster of its own, which outlives the platform.

    A cluster is made beside its place and renamed into it when it is complete: a platform that was killed in the
    midst leaves something that the repetition clears away, processes included. One platform uses a root at a time.

    Args:
        root: The directory for all clusters; made if missing. When the platform runs as root, the servers run as
            the account ``euryale-database``, which must be able to pass through every directory above.
        ports: The TCP ports on loopback that clusters may listen on. A branch keeps its port while it is free.
        account: Who runs the servers and owns their data; by default that account, or one's own if not root.
        programs: PostgreSQL 18; by default from the installed wheel.
        start_within: Seconds that a server may take until it is ready.
        reserve: Bytes that stay free on the disk when a cluster is made, for those that serve.
    """

    def __init__(
        self,
        root: Path,
        *,
        ports: range = DEFAULT_PORTS,
        account: Account | None = None,
        programs: Programs | None = None,
        start_within: float = 60.0,
        reserve: int = 512 * MEBIBYTE,
    ) -> None:
        self._layout = Layout(root.resolve())
        self._ports = ports
        self._account = account
        self._programs = programs
        self._start_within = start_within
        self._reserve = reserve
        self._prepared: Toolbox | None = None
        self._preparing = asyncio.Lock()
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def create_project(self, project: str) -> None:
        """Make the project's directory.

        Raises:
            HostError: If the database account cannot reach it; the message says what to change.
            PermanentError: If the name will not do.
        """
        directory = self._layout.project(project)
        with os_errors_explained():
            tools = await self._tools()
            make_directory(directory, tools.account)

    async def destroy_project(self, project: str) -> None:
        """Delete the project and all of its branches.

        Raises:
            LockedError: If a branch was made in it meanwhile.
            PermanentError: If the name will not do.
        """
        directory = self._layout.project(project)
        for name in self._layout.branches(project):
            await self.destroy_branch(project, name)
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if self._layout.branches(project):
                raise LockedError(f"A branch is being made in the database project {project}.") from error
            raise explained_os_error(error) from error

    async def create_branch(self, project: str, name: str, *, base: str | None = None) -> Branch:
        """Make a cluster, or adopt the one that is there, and start it.

        Args:
            project: The project's handle; made if missing.
            name: The new branch's handle.
            base: The branch to copy while it serves (started if it was suspended); None: the branch is empty.

        Raises:
            GoneError: If ``base`` does not exist.
            HostError: If the machine lacks something; the message says what.
            PermanentError: If a name will not do.
            ProviderUnavailableError: If a program failed, the disk is full or no port is free: worth a repetition.
        """
        place = self._layout.branch(project, name)
        if base is not None and not place.exists():
            self._require(project, base)  # before any lock: whoever waits for a base's lock knows that it exists
        async with self._alone(place):
            if not place.exists():
                await self.create_project(project)
                await self._make(project, name, base)
            return await self._serve(project, name)

    async def connect(self, project: str, name: str) -> Branch:
        """Return the branch with its present URL, started if nothing serves it.

        Raises:
            GoneError: If it does not exist.
            HostError: If the machine lacks something.
            PermanentError: If a name will not do.
            ProviderUnavailableError: If it does not start, with the end of its log.
        """
        async with self._alone(self._layout.branch(project, name)):
            return await self._serve(project, name)

    async def suspend(self, project: str, name: str) -> None:
        """Save everything and end the server; nothing to do if it is ended or gone. Ends copies being made of it."""
        place = self._layout.branch(project, name)
        async with self._alone(place):
            await stop_server(place, immediately=False)

    async def destroy_branch(self, project: str, name: str) -> None:
        """End the server at once and delete its files, also those of a branch that was never completed."""
        place, gone = self._layout.branch(project, name), self._layout.gone(project, name)
        async with self._alone(place):
            await self._discard(self._layout.making(project, name).directory)
            await self._discard(gone)
            if place.directory.exists():
                await stop_server(place, immediately=True)
                place.directory.rename(gone)
                await self._discard(gone)

    async def inventory(self) -> frozenset[str]:
        """Return every project and branch that has anything on the disk, complete or not."""
        projects = self._layout.projects()
        branches = (f"{project}/{name}" for project in projects for name in self._layout.branches(project))
        return frozenset(projects).union(branches)

    async def _tools(self) -> Toolbox:
        async with self._preparing:
            if self._prepared is None:
                account = self._account
                if account is None:
                    account = await asyncio.to_thread(service_account, _ACCOUNT)
                make_directory(self._layout.root, account)
                await require_reach(self._layout.root, account)
                installed = self._programs or installed_programs()
                programs = await prepare_programs(installed, self._layout.programs, account)
                self._prepared = Toolbox(programs, account)
            return self._prepared

    async def _make(self, project: str, name: str, base: str | None) -> None:
        tools = await self._tools()
        making = self._layout.making(project, name)
        await self._discard(making.directory)
        record = BranchRecord.fresh()
        try:
            if base is None:
                require_space(self._layout.root, FRESH_BYTES, reserve=self._reserve)
                await build_fresh(tools, making, record)
            else:
                size = await size_of(self._layout.branch(project, base).directory)
                require_space(self._layout.root, size, reserve=self._reserve)
                await build_copy(tools, making, record, await self._served_record(project, base))
            write_record(making.record, record)
        except Exception:  # what failed gives back its disk; after a cancellation or a kill the repetition clears up
            await self._discard(making.directory)
            raise
        making.directory.rename(self._layout.branch(project, name).directory)
        sync_directory(self._layout.project(project))

    async def _served_record(self, project: str, name: str) -> BranchRecord:
        await self.connect(project, name)
        return self._require(project, name)

    async def _serve(self, project: str, name: str) -> Branch:
        record = self._require(project, name)
        place = self._layout.branch(project, name)
        if not await self._is_served(place):
            record = await self._start(place, record)
        return Branch(project, name, record.url())

    async def _is_served(self, place: Place) -> bool:
        postmaster = find_postmaster(place)
        if postmaster is None or postmaster.status == "stopping":
            return False
        return await await_ready(place, postmaster.identity, within=self._start_within)

    async def _start(self, place: Place, record: BranchRecord) -> BranchRecord:
        tools = await self._tools()
        await stop_server(place, immediately=False)  # one that is stopping, and sessions that outlived their server
        for _ in range(_START_ATTEMPTS):
            record = self._with_port(place, record)
            if await start_server(tools, place, record.port, within=self._start_within):
                return record
        raise ProviderUnavailableError(f"Ports from {self._ports.start} on are taken as soon as they are chosen.")

    def _with_port(self, place: Place, record: BranchRecord) -> BranchRecord:
        """Reserve a port by writing it down. Awaits nothing, so that no two branches choose the same."""
        if record.port in self._ports and is_free(record.port):
            return record
        others = (read_record(other.record) for other in self._layout.complete() if other != place)
        taken = {other.port for other in others if other is not None}
        try:
            chosen = record.at(free_port(self._ports, taken=taken))
        except NoFreePortError as error:
            raise ProviderUnavailableError(
                error.message, hint="Destroy database branches that are not needed, or widen the range of ports."
            ) from error
        write_record(place.record, chosen)
        return chosen

    def _require(self, project: str, name: str) -> BranchRecord:
        record = read_record(self._layout.branch(project, name).record)
        if record is None:
            raise GoneError(f"There is no database branch {project}/{name}.")
        return record

    async def _discard(self, directory: Path) -> None:
        if is_there(directory):
            await end_processes(directory)
            await remove_tree(directory, own_account())

    @asynccontextmanager
    async def _alone(self, place: Place) -> AsyncIterator[None]:
        lock = self._locks.setdefault(place.directory, asyncio.Lock())
        async with lock:
            with os_errors_explained():
                yield
