"""Builds of plain shell lines, for tests of the process builder, in a directory that its account can pass through."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from euryale.cloud.buildplan.plan import BuildPlan, Command, PackageManager
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.providers.builder.contract import BuildIntent
from euryale.cloud.providers.builder.process.builder import ProcessBuilder
from euryale.cloud.providers.builder.process.descendants import end_marked
from euryale.cloud.testing.builder import Ending
from euryale.kit.secret import Secret


class NoToolchains(Toolchains):
    """The shell is enough."""

    async def path_entries(self, language: str, runtime_version: str) -> tuple[Path, ...]:  # noqa: ARG002 -- as in Toolchains
        return ()

    async def package_manager_entries(
        self,
        name: str,  # noqa: ARG002 -- as in Toolchains
        version: str | None,  # noqa: ARG002 -- as in Toolchains
        node_major: str | None = None,  # noqa: ARG002 -- as in Toolchains
    ) -> tuple[Path, ...]:
        return ()


def shell_plan(*lines: str, install: tuple[str, ...] = (), **changes: Any) -> BuildPlan:
    """A plan whose build phase is ``lines``."""
    values: dict[str, Any] = {
        "preset": "node",
        "language": "node",
        "runtime_version": "24",
        "runtime_source": "",
        "package_manager": PackageManager("npm", None, "package-lock.json"),
        "root": ".",
        "install": tuple(Command("install", line) for line in install),
        "build": tuple(Command("build", line) for line in lines),
        "package": (),
        "predeploy": (),
        "processes": (),
        "artifact": ".",
    }
    return BuildPlan(**{**values, **changes})


_LINES: dict[Ending, str] = {
    "succeeds": "echo done > made",
    "fails": "echo no such thing >&2; exit 3",
    "times_out": "exec sleep 600",
    "endless": "exec sleep 600",
}


@dataclass
class ShellBuilds:
    """A process builder below ``root``, and a source for its builds."""

    root: Path
    builder: ProcessBuilder
    source: Path
    options: dict[str, Any] = field(default_factory=dict)

    def intent(self, pipeline: str, name: str, ending: Ending) -> BuildIntent:
        return self.build(pipeline, name, shell_plan(_LINES[ending]), timeout=0.5 if ending == "times_out" else 60)

    def build(
        self, pipeline: str, name: str, plan: BuildPlan, *, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> BuildIntent:
        secrets = {key: Secret(value) for key, value in (env or {}).items()}
        return BuildIntent(pipeline, name, self.source, plan, secrets, timeout)

    def directory(self, pipeline: str, name: str) -> Path:
        return self.builder.log(pipeline, name).parent


@contextmanager
def shell_builds(**options: Any) -> Iterator[ShellBuilds]:
    """Give builds in a new directory; at the end kill what is left of them and delete it.

    pytest's own directories have parents with mode 0700, which the builder's account cannot pass through.
    """
    top = Path(tempfile.mkdtemp(prefix="euryale-builds-")).resolve()
    top.chmod(0o711)
    source = top / "source"
    source.mkdir()
    (source / "package-lock.json").write_text("{}")
    options = {"minimum_free_disk": 0, **options}
    try:
        yield ShellBuilds(top / "root", ProcessBuilder(top / "root", toolchains=NoToolchains(top), **options), source)
    finally:
        for build in (top / "root").glob("pipelines/*/builds/*"):
            end_marked(build)
        shutil.rmtree(top)


def as_root() -> bool:
    """Whether the builder can drop its privileges."""
    return os.geteuid() == 0
