"""A small application of each package manager: locked, planned, built twice, started, and asked."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.files import RepositoryFiles, wanted
from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.contract import BuildIntent
from euryale.cloud.providers.builder.process.builder import ProcessBuilder
from euryale.cloud.providers.runtime.contract import InstanceIntent
from eventually import eventually
from shell_builds import shell_builds
from supervised_root import runtime_in, supervised_root

pytestmark = pytest.mark.slow

_NODE = "24"
_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_PATIENCE = 60.0

_PACKAGE: Mapping[str, Any] = {
    "name": "tiny",
    "version": "1.0.0",
    "private": True,
    "engines": {"node": _NODE},
    "scripts": {"build": "node build.js", "start": "node server.js"},
    "dependencies": {"is-number": "7.0.0"},
    "devDependencies": {"ms": "2.1.3"},
}
_NODE_SOURCE = {
    "build.js": 'require("fs").writeFileSync("built", String(require("ms")("1 s")));\n',
    "server.js": """\
const isNumber = require("is-number");
const built = require("fs").readFileSync("built", "utf8");
const server = require("http").createServer((request, response) => response.end(`${built} ${isNumber(5)}`));
server.listen(process.env.PORT, "127.0.0.1");
""",
}
_PYTHON_SOURCE = {
    "Procfile": "web: python server.py\n",
    "server.py": """\
import http.server, os
import iniconfig

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(iniconfig.__name__.encode())

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
""",
}
_PYPROJECT = """\
[project]
name = "tiny"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = ["iniconfig==2.0.0"]
"""
_BUILT_BY_HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@dataclass(frozen=True)
class App:
    """A repository, and who locks what it depends on.

    Attributes:
        manager: The package manager and its version, as in a build plan.
        lock: How it writes the lockfile; empty for none.
        files: The repository without it.
        root: The application's directory.
        answer: What the application says.
        reused: Whether the second build takes what the first one installed.
    """

    manager: tuple[str, str | None]
    lock: str
    files: Mapping[str, str]
    root: str = "."
    answer: str = "1000 true"
    reused: bool = True


def _node(manager: str, version: str | None, lock: str, *, rc: str = "", **package: str) -> App:
    files = {"package.json": json.dumps({**_PACKAGE, **package}), **_NODE_SOURCE}
    return App((manager, version), lock, {**files, ".yarnrc.yml": rc} if rc else files)


def _npm_workspace() -> App:
    web = {**_PACKAGE, "name": "web", "dependencies": {**_PACKAGE["dependencies"], "words": "1.0.0"}}
    words = {"name": "words", "version": "1.0.0", "main": "made.js", "scripts": {"build": "echo > made.js"}}
    files = {
        "package.json": json.dumps({"name": "top", "private": True, "workspaces": ["apps/*", "words"]}),
        "words/package.json": json.dumps(words),
        "apps/web/package.json": json.dumps(web),
        "apps/web/build.js": _NODE_SOURCE["build.js"] + 'require("words");\n',
        "apps/web/server.js": _NODE_SOURCE["server.js"],
    }
    return App(("npm", None), "npm install --package-lock-only", files, root="apps/web")


def _python(lock: str, files: Mapping[str, str], **more: Any) -> App:
    return App(("uv", None), lock, {**_PYTHON_SOURCE, **files}, answer="iniconfig", **more)


_UPDATE = "yarn install --mode=update-lockfile"
_APPS = {
    "npm": _node("npm", None, "npm install --package-lock-only"),
    "npm-workspace": _npm_workspace(),
    "yarn-1": _node("yarn1", "1.22.22", "yarn install --non-interactive"),
    "yarn-3": _node("yarn-berry", "3.8.7", _UPDATE, rc="nodeLinker: node-modules\n"),
    "yarn-4": _node("yarn-berry", "4.13.0", _UPDATE, rc="nodeLinker: node-modules\n"),
    "yarn-4-like-pnpm": _node("yarn-berry", "4.13.0", _UPDATE, rc="nodeLinker: pnpm\n"),
    "pnpm-9": _node("pnpm", "9.15.9", "pnpm install --lockfile-only"),
    "pnpm-10": _node("pnpm", "10.34.8", "pnpm install --lockfile-only", packageManager="pnpm@10.34.8"),
    "uv": _python("uv lock", {"pyproject.toml": _PYPROJECT}),
    "uv-package": _python(
        "uv lock",
        {"pyproject.toml": _PYPROJECT + _BUILT_BY_HATCHLING, "src/tiny/__init__.py": ""},
        reused=False,  # the package itself is installed into the same directory
    ),
    "pip": _python("", {"requirements.txt": "iniconfig==2.0.0\n"}),
}


@pytest.fixture(scope="module")
def toolchains() -> Iterator[Toolchains]:
    """Each is fetched once for all tests, into a directory that the builder's account can pass through."""
    root = Path(tempfile.mkdtemp(prefix="euryale-toolchains-")).resolve()
    root.chmod(0o711)
    yield Toolchains(root)
    shutil.rmtree(root)


async def _write(app: App, top: Path, toolchains: Toolchains) -> None:
    (top / "package-lock.json").unlink()  # of other tests
    for name, text in app.files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if app.lock:
        manager, version = app.manager
        own = await toolchains.package_manager_entries(manager, version, _NODE)
        runtime = await toolchains.path_entries(*(("python", _PYTHON) if manager == "uv" else ("node", _NODE)))
        path_variable = os.pathsep.join([*map(str, (*own, *runtime)), os.environ["PATH"]])
        with tempfile.TemporaryDirectory() as home:
            env = {**os.environ, "PATH": path_variable, "HOME": home}
            done = await asyncio.to_thread(
                subprocess.run, app.lock.split(), cwd=top, env=env, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(top / "node_modules", ignore_errors=True)


def _planned(app: App, top: Path) -> BuildPlan:
    paths = {path.relative_to(top).as_posix(): path.stat().st_size for path in top.rglob("*") if path.is_file()}
    contents = {name: (top / name).read_bytes() for name in wanted(paths, app.root)}
    return plan(RepositoryFiles(paths, contents), root=app.root)


@pytest.mark.parametrize("app", _APPS.values(), ids=_APPS)
async def test_an_application_is_built_and_answers(app: App, toolchains: Toolchains) -> None:
    with shell_builds() as builds, supervised_root() as root:
        await _write(app, builds.source, toolchains)
        made = _planned(app, builds.source)
        builder = ProcessBuilder(builds.root, toolchains=toolchains, minimum_free_disk=0)
        runtime = runtime_in(root, toolchains=toolchains)
        await builder.create_pipeline("shop")
        for name in ("b1", "b2"):
            log = builder.log("shop", name)
            await builder.start(BuildIntent("shop", name, builds.source, made, {}, 2 * _PATIENCE))
            status = await builder.wait("shop", name)
            assert status.artifact is not None, log.read_text()
            await eventually(lambda log=log: _is_over(log))
            instance = await runtime.start(
                InstanceIntent("shop", name, status.artifact, made, made.processes[0].command, {})
            )
            await runtime.ready("shop", name, path="/", timeout=_PATIENCE)
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"http://{instance.address}/")).text == app.answer
            await runtime.destroy("shop")
        assert ("put back what an earlier build installed" in log.read_text()) == app.reused


def _is_over(log: Path) -> bool:
    """Whether nothing is to be kept any more: nobody but a later build waits for that."""
    return any(said in log.read_text() for said in ("was kept for", "is not kept for", "put back what"))
