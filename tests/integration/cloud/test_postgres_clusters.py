"""PostgreSQL clusters when processes are killed, ports taken, disks full and directories closed."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from cluster_root import cluster_root
from euryale.cloud.host.detached import runs
from euryale.cloud.host.errors import HostError
from euryale.cloud.host.procfs import Identity, processes, words
from euryale.cloud.providers.database.contract import Branch
from euryale.cloud.providers.database.postgres import PostgresClusters
from euryale.cloud.providers.database.postgres.layout import Layout
from euryale.cloud.providers.database.postgres.programs import Programs, installed_programs
from euryale.cloud.providers.database.postgres.server import find_postmaster, processes_in
from euryale.cloud.providers.database.postgres.space import MEBIBYTE
from euryale.cloud.providers.errors import ProviderUnavailableError
from eventually import eventually

FIRST_PORT = 19000 + os.getpid() % 100 * 20
PORTS = range(FIRST_PORT, FIRST_PORT + 20)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="the account of the databases differs only under root")

CREATE = """
import asyncio, sys
from pathlib import Path
from euryale.cloud.providers.database.postgres import PostgresClusters

root, first, last, name, base = sys.argv[1:]
clusters = PostgresClusters(Path(root), ports=range(int(first), int(last)))
asyncio.run(clusters.create_branch("shop", name, base=base or None))
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with cluster_root() as root:
        yield root


@pytest.fixture
async def clusters(root: Path) -> AsyncIterator[PostgresClusters]:
    clusters = PostgresClusters(root, ports=PORTS)
    yield clusters
    await clusters.destroy_project("shop")
    assert await clusters.inventory() == frozenset()
    assert processes_in(root) == []
    assert entries(root) == []


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A file system of 110 MiB: two empty clusters fit, three do not."""
    disk = root / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=110m,mode=711", "tmpfs", str(disk)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let a file system be mounted")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@asynccontextmanager
async def connected(branch: Branch) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(branch.url.reveal(), timeout=10)
    try:
        yield connection
    finally:
        with suppress(OSError, asyncpg.PostgresError):
            await connection.close(timeout=5)


async def fill(branch: Branch, rows: int = 3) -> None:
    async with connected(branch) as connection:
        await connection.execute(f"CREATE TABLE note AS SELECT n, repeat('x', 500) FROM generate_series(1, {rows}) n")


async def count(branch: Branch) -> int:
    async with connected(branch) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM note"))


def platform(root: Path, name: str, base: str = "") -> subprocess.Popen[bytes]:
    """Start another process that makes a branch."""
    words = [sys.executable, "-c", CREATE, str(root), str(PORTS.start), str(PORTS.stop), name, base]
    return subprocess.Popen(words)


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def files_with(directory: Path, text: str) -> list[Path]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes()]


def postmaster(root: Path, name: str) -> Identity:
    found = find_postmaster(Layout(root).branch("shop", name))
    assert found is not None
    return found.identity


def running(directory: Path, program: str) -> list[Identity]:
    named = {row.pid for row in processes() if row.name == program}
    return [identity for identity in processes_in(directory) if identity.pid in named]


async def test_a_killed_server_comes_back_with_its_data(root: Path, clusters: PostgresClusters) -> None:
    branch = await clusters.create_branch("shop", "main")
    await fill(branch)
    killed = postmaster(root, "main")
    os.kill(killed.pid, signal.SIGKILL)
    await eventually(lambda: not killed.alive())
    assert await clusters.connect("shop", "main") == branch
    assert await count(branch) == 3
    assert postmaster(root, "main") != killed


async def test_a_stale_pid_file_that_names_a_living_server_is_no_obstacle(
    root: Path, clusters: PostgresClusters
) -> None:
    branch = await clusters.create_branch("shop", "main")
    await fill(branch)
    other = await clusters.create_branch("shop", "other")
    await clusters.suspend("shop", "main")
    layout = Layout(root)
    shutil.copy(layout.branch("shop", "other").data / "postmaster.pid", layout.branch("shop", "main").data)
    survivor = postmaster(root, "other")
    assert await count(await clusters.connect("shop", "main")) == 3
    assert postmaster(root, "other") == survivor
    assert await clusters.connect("shop", "other") == other


async def test_servers_outlive_the_platform_and_are_found_again(root: Path, clusters: PostgresClusters) -> None:
    assert platform(root, "main").wait(timeout=30) == 0
    server = postmaster(root, "main")
    await fill(await clusters.connect("shop", "main"))
    assert postmaster(root, "main") == server


@pytest.mark.parametrize(("program", "base"), [("initdb", ""), ("pg_basebackup", "main")])
async def test_orphans_of_a_killed_platform_are_ended_by_the_repetition(
    root: Path, clusters: PostgresClusters, program: str, base: str
) -> None:
    await fill(await clusters.create_branch("shop", "main"), 50_000)
    making = Layout(root).making("shop", "preview").directory
    killed = platform(root, "preview", base)
    orphan = (await eventually(lambda: running(making, program)))[0]
    os.kill(orphan.pid, signal.SIGSTOP)  # it would end by itself otherwise, sooner or later
    killed.kill()
    killed.wait(timeout=10)
    assert runs(orphan)
    assert await clusters.inventory() == {"shop", "shop/main", "shop/preview"}
    branch = await clusters.create_branch("shop", "preview", base=base or None)
    assert not making.exists()
    assert processes_in(making) == []
    async with connected(branch) as connection:
        assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'note'") == bool(base)
    await clusters.destroy_branch("shop", "preview")
    assert await clusters.inventory() == {"shop", "shop/main"}
    assert {identity.pid for identity in processes_in(root)} >= {postmaster(root, "main").pid}
    assert processes_in(Layout(root).branch("shop", "preview").directory) == []


@pytest.mark.parametrize(
    "point",
    [
        "{making}",
        "{making}/data/PG_VERSION",
        "{making}/postgresql.conf",
        "{making}/branch.json",
        "{branch}/branch.json",
        "{branch}/startup.log",
        "{branch}/data/postmaster.pid",
    ],
)
async def test_a_platform_killed_anywhere_is_repeated(root: Path, clusters: PostgresClusters, point: str) -> None:
    layout = Layout(root)
    making, place = layout.making("shop", "preview").directory, layout.branch("shop", "preview").directory
    await fill(await clusters.create_branch("shop", "main"))
    killed = platform(root, "preview", "main")
    # whatever comes later than the point is also passed, should this process be slow to look
    reached = Path(point.format(making=making, branch=place))
    await eventually(lambda: reached.exists() or (place / "branch.json").exists(), within=30, every=0.001)
    killed.kill()
    killed.wait(timeout=10)
    assert await clusters.inventory() == {"shop", "shop/main", "shop/preview"}
    assert await count(await clusters.create_branch("shop", "preview", base="main")) == 3
    assert await clusters.inventory() == {"shop", "shop/main", "shop/preview"}
    assert not making.exists()


async def test_destroying_a_half_made_branch_leaves_nothing(root: Path, clusters: PostgresClusters) -> None:
    killed = platform(root, "main")
    orphan = (await eventually(lambda: running(root, "initdb")))[0]
    os.kill(orphan.pid, signal.SIGSTOP)
    killed.kill()
    killed.wait(timeout=10)
    await clusters.destroy_branch("shop", "main")
    assert await clusters.inventory() == {"shop"}
    assert processes_in(root) == []


@pytest.mark.parametrize(("program", "base"), [("initdb", None), ("pg_basebackup", "main")])
async def test_a_cancelled_creation_leaves_no_process(
    root: Path, clusters: PostgresClusters, program: str, base: str | None
) -> None:
    await fill(await clusters.create_branch("shop", "main"), 50_000)
    making = Layout(root).making("shop", "preview").directory
    creating = asyncio.ensure_future(clusters.create_branch("shop", "preview", base=base))
    await eventually(lambda: running(making, program))
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    await eventually(lambda: processes_in(making) == [], within=1)
    assert (await clusters.create_branch("shop", "preview", base=base)).name == "preview"
    assert await clusters.inventory() == {"shop", "shop/main", "shop/preview"}


async def test_a_port_is_kept_while_it_is_free_and_changed_when_taken(clusters: PostgresClusters) -> None:
    branch = await clusters.create_branch("shop", "main")
    await fill(branch)
    await clusters.suspend("shop", "main")
    assert await clusters.connect("shop", "main") == branch
    await clusters.suspend("shop", "main")
    port = int(branch.url.reveal().rsplit(":", 1)[1].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        moved = await clusters.connect("shop", "main")
        assert moved.url != branch.url
        assert await count(moved) == 3
    assert await clusters.connect("shop", "main") == moved


async def test_a_range_without_free_ports_says_what_to_do(root: Path) -> None:
    small = PostgresClusters(root, ports=PORTS[:1])
    await small.create_branch("shop", "main")
    with pytest.raises(ProviderUnavailableError, match="widen the range"):
        await small.create_branch("shop", "preview")
    await small.destroy_branch("shop", "main")
    assert (await small.create_branch("shop", "preview")).name == "preview"
    await small.destroy_project("shop")
    assert processes_in(root) == []


async def test_a_copy_does_not_open_with_its_bases_password(clusters: PostgresClusters) -> None:
    base = await clusters.create_branch("shop", "main")
    copy = await clusters.create_branch("shop", "preview", base="main")
    place = copy.url.reveal().rsplit("@", 1)[1]
    stolen = f"{base.url.reveal().rsplit('@', 1)[0]}@{place}"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stolen)
    async with connected(copy) as connection:
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert await connection.fetchval("SELECT pg_is_in_recovery()") is False
        assert await connection.fetch("SELECT * FROM pg_stat_wal_receiver") == []
        assert await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = 'app'") == "C.UTF-8"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"


async def test_passwords_are_in_one_file_that_others_cannot_read(root: Path, clusters: PostgresClusters) -> None:
    branch = await clusters.create_branch("shop", "main")
    await clusters.create_branch("shop", "preview", base="main")
    password = branch.url.reveal().split(":", 2)[2].split("@")[0]
    record = Layout(root).branch("shop", "main").record
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert files_with(root, password) == [record]
    for identity in processes_in(root):
        assert password not in " ".join(words(identity.pid))


async def test_a_server_that_does_not_start_shows_the_end_of_its_log(root: Path, clusters: PostgresClusters) -> None:
    await clusters.create_branch("shop", "main")
    await clusters.suspend("shop", "main")
    (Layout(root).branch("shop", "main").data / "global" / "pg_control").unlink()
    with pytest.raises(ProviderUnavailableError, match="pg_control"):
        await clusters.connect("shop", "main")


async def test_a_damaged_record_is_named_and_the_branch_can_go(root: Path, clusters: PostgresClusters) -> None:
    await clusters.create_branch("shop", "main")
    Layout(root).branch("shop", "main").record.write_text("{")
    with pytest.raises(HostError, match=r"branch\.json is damaged"):
        await clusters.connect("shop", "main")
    await clusters.destroy_branch("shop", "main")
    assert await clusters.inventory() == {"shop"}


@as_root
async def test_a_copy_that_would_fill_the_disk_is_refused_and_the_base_serves_on(small_disk: Path) -> None:
    clusters = PostgresClusters(small_disk, ports=PORTS, reserve=20 * MEBIBYTE)
    base = await clusters.create_branch("shop", "main")
    await fill(base, 40_000)
    with pytest.raises(ProviderUnavailableError, match="Free some disk space"):
        await clusters.create_branch("shop", "preview", base="main")
    assert await clusters.inventory() == {"shop", "shop/main"}
    assert await count(base) == 40_000
    await clusters.destroy_project("shop")
    assert processes_in(small_disk) == []


@as_root
async def test_a_full_disk_is_worth_a_repetition_and_gets_its_space_back(small_disk: Path) -> None:
    clusters = PostgresClusters(small_disk, ports=PORTS, reserve=0)
    names = ("one", "two", "three")
    results = await asyncio.gather(*(clusters.create_branch("shop", name) for name in names), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    assert failures
    assert all(isinstance(error, ProviderUnavailableError) for error in failures)
    assert any("Free some disk space" in str(error) for error in failures)
    await clusters.destroy_project("shop")
    await fill(await clusters.create_branch("shop", "one"))
    await clusters.destroy_project("shop")
    assert processes_in(small_disk) == []


@as_root
async def test_a_directory_in_the_way_of_the_account_is_named(root: Path) -> None:
    closed = root / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(HostError, match=f"cannot pass through {closed}, .*chmod o\\+x"):
        await PostgresClusters(closed / "data", ports=PORTS).create_branch("shop", "main")
    closed.chmod(0o711)
    clusters = PostgresClusters(closed / "data", ports=PORTS)
    await fill(await clusters.create_branch("shop", "main"))
    await clusters.destroy_project("shop")


@as_root
async def test_programs_that_the_account_cannot_reach_are_copied(root: Path) -> None:
    closed = root / "closed"
    closed.mkdir(mode=0o700)
    package = installed_programs().installation.parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name)
    unreachable = Programs(closed / package.name / installed_programs().installation.name)
    clusters = PostgresClusters(root / "data", ports=PORTS, programs=unreachable)
    await fill(await clusters.create_branch("shop", "main"))
    assert await count(await clusters.create_branch("shop", "preview", base="main")) == 3
    assert await clusters.inventory() == {"shop", "shop/main", "shop/preview"}
    shutil.rmtree(closed)
    await clusters.suspend("shop", "main")
    assert await count(await clusters.connect("shop", "main")) == 3
    await clusters.destroy_project("shop")
    assert processes_in(root) == []
