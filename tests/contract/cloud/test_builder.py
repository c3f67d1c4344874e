from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from euryale.cloud.providers.builder.contract import BuildIntent, BuildStatus
from euryale.cloud.providers.builder.memory import MemoryBuilder
from euryale.cloud.testing.builder import BuilderContract, Ending
from shell_builds import ShellBuilds, shell_builds, shell_plan

_OUTCOMES = {
    "succeeds": BuildStatus("succeeded", "package"),
    "fails": BuildStatus("failed", "build", reason="no such thing"),
    "times_out": BuildStatus("timed_out", "build", reason="too slow"),
    "endless": BuildStatus("running", "build"),
}


@dataclass
class MemoryBuilds:
    builder: MemoryBuilder

    def intent(self, pipeline: str, name: str, ending: Ending) -> BuildIntent:
        self.builder.outcomes[name] = _OUTCOMES[ending]
        return BuildIntent(pipeline, name, Path(), shell_plan(), {})


class TestMemoryBuilder(BuilderContract):
    @pytest.fixture
    def builds(self, tmp_path: Path) -> MemoryBuilds:
        return MemoryBuilds(MemoryBuilder(tmp_path))


class TestProcessBuilder(BuilderContract):
    @pytest.fixture
    def builds(self) -> Iterator[ShellBuilds]:
        with shell_builds() as builds:
            yield builds
