import errno
from pathlib import Path

import pytest

from euryale.cloud.providers.builder.process import runner, specification
from euryale.cloud.providers.builder.process.layout import BuildFiles
from euryale.cloud.providers.builder.process.specification import BuildResult, read_value


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildFiles:
    """A build on a disk that is full for as long as its work directory is there."""
    files = BuildFiles(tmp_path)
    files.work.mkdir()

    def write_value(path: Path, value: object) -> None:
        if files.work.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        specification.write_value(path, value)

    monkeypatch.setattr(runner, "write_value", write_value)
    return files


def test_an_artifact_makes_room_for_the_news_that_it_is_lost(files: BuildFiles) -> None:
    runner._leave(files, BuildResult("succeeded", "package", artifact="."))
    left = read_value(files.result, BuildResult)
    assert left is not None
    assert (left.state, left.artifact) == ("failed", "")
    assert "No space left" in left.reason


def test_another_outcome_is_left_as_it_is(files: BuildFiles) -> None:
    result = BuildResult("timed_out", "build", reason="too slow")
    runner._leave(files, result)
    assert read_value(files.result, BuildResult) == result
