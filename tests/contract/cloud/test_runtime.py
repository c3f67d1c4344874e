"""The members of the runtime family keep their contract."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.runtime.memory import MemoryRuntime
from euryale.cloud.testing.runtime import Programs, RuntimeContract, ServingRuntimeContract
from supervised_root import processes_of, runtime_in, supervised_root


class TestMemory(RuntimeContract):
    @pytest.fixture
    def programs(self, tmp_path: Path) -> Programs:
        return Programs(tmp_path)

    @pytest.fixture
    def runtime(self) -> Runtime:
        return MemoryRuntime(failures={Programs.fail: Programs.failure})


class TestProcess(ServingRuntimeContract):
    @pytest.fixture
    def root(self) -> Iterator[Path]:
        with supervised_root() as root:
            yield root

    @pytest.fixture
    def programs(self, root: Path) -> Programs:
        return Programs.write(root / "artifact")

    @pytest.fixture
    async def runtime(self, root: Path) -> AsyncIterator[Runtime]:
        runtime = runtime_in(root)
        yield runtime
        for app in [name for name in await runtime.inventory() if "/" not in name]:
            await runtime.destroy(app)
        assert await runtime.inventory() == frozenset()
        assert processes_of(root) == []
