"""Directories made apart from their neighbours."""

import shutil
import subprocess
from pathlib import Path

import pytest

from euryale.cloud.host.spreading import make_apart


def test_a_directory_is_made_and_nothing_beside_it(tmp_path: Path):
    make_apart(tmp_path / "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


def test_one_that_exists_stays_as_it_is(tmp_path: Path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    make_apart(tmp_path / "old")
    assert (tmp_path / "old" / "file").exists()


def test_without_a_parent_it_cannot_be_made(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        make_apart(tmp_path / "missing" / "new")


@pytest.mark.skipif(shutil.which("lsattr") is None, reason="needs e2fsprogs")
def test_ext4_is_told_that_the_entries_are_unrelated(tmp_path: Path):
    before = subprocess.run(["lsattr", "-d", tmp_path], capture_output=True, text=True, check=False)
    if before.returncode != 0 or "e" not in before.stdout.split()[0]:
        pytest.skip("not on ext4")
    make_apart(tmp_path / "new")
    flags = subprocess.run(["lsattr", "-d", tmp_path], capture_output=True, text=True, check=True).stdout.split()[0]
    assert "T" in flags
