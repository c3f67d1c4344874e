import os
import tempfile
from pathlib import Path

import pytest

from euryale.cloud.host.account import Account
from euryale.cloud.host.reach import barrier, share_file, share_tree

_STRANGER = Account("stranger", 64_999, 64_999, Path("/"))


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A path with no barrier of its own; pytest's directory has parents with mode 0700."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    return inner


def test_names_the_first_directory_that_cannot_be_entered(open_path: Path) -> None:
    found = barrier(open_path, _STRANGER)
    assert found is not None
    assert not found.stat().st_mode & 0o001
    assert barrier(Path("/etc/hostname"), _STRANGER) is None


def test_the_bits_of_the_owner_and_the_group_come_first() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        status = place.stat()
        owner = Account("owner", status.st_uid or _STRANGER.uid, status.st_gid, Path("/"))
        os.chown(place, owner.uid, owner.gid)
        place.chmod(0o077)
        assert barrier(place, owner) == place
        place.chmod(0o707)
        assert barrier(place, Account("member", _STRANGER.uid + 1, owner.gid, Path("/"))) == place
        place.chmod(0o701)
        assert barrier(place, Account("other", _STRANGER.uid + 1, _STRANGER.gid, Path("/"))) is None


def test_a_shared_tree_can_be_read_by_everybody(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True, mode=0o700)
    (source / "deep/secretive").write_text("1")
    (source / "deep/secretive").chmod(0o700)
    (source / "public").write_text("2")
    (source / "public").chmod(0o644)
    (source / "left_out").mkdir()
    share_tree(source, tmp_path / "target", without=("left_*",))
    assert (tmp_path / "target/deep").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "target/deep/secretive").stat().st_mode & 0o777 == 0o555
    assert (tmp_path / "target/public").samefile(source / "public")
    assert not (tmp_path / "target/left_out").exists()


def test_a_file_that_everybody_can_read_is_linked(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "a").chmod(0o644)
    share_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").samefile(tmp_path / "b")
