import os
from pathlib import Path

import pytest

from euryale.cloud.providers.builder.process.linking import Owner, link_tree, protect_tree, remove_tree, tree_size

_ME = Owner(os.geteuid(), os.getegid())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_text("1")
    (top / "a/run").write_text("#!/bin/sh")
    (top / "a/run").chmod(0o755)
    (top / ".cache").mkdir()
    (top / ".cache/state").write_text("1")
    (top / "link").symlink_to("a/b/file")
    (top / "outside").symlink_to("/etc")
    os.mkfifo(top / "pipe")
    return top


def _hidden(name: str) -> bool:
    return name.startswith(".")


def test_files_are_shared_and_private_ones_copied(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    link_tree(tree, copy, _ME, private=_hidden)
    assert (copy / "a/b/file").samefile(tree / "a/b/file")
    assert os.access(copy / "a/run", os.X_OK)
    assert not (copy / ".cache/state").samefile(tree / ".cache/state")
    assert (copy / ".cache/state").read_text() == "1"
    assert (copy / "link").readlink() == Path("a/b/file")
    assert (copy / "outside").readlink() == Path("/etc")
    assert not (copy / "pipe").exists()


def test_a_single_file_is_shared(tree: Path, tmp_path: Path) -> None:
    link_tree(tree / "a/run", tmp_path / "run", _ME)
    assert (tmp_path / "run").samefile(tree / "a/run")


def test_no_link_leads_out_of_the_tree(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        link_tree(tree / "outside" / "ssl", tmp_path / "copy", _ME)
    with pytest.raises(NotADirectoryError):
        protect_tree(tree / "outside" / "passwd", _ME)
    before = Path("/etc/hostname").stat()
    protect_tree(tree, _ME)
    assert Path("/etc/hostname").stat() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root gives files away instead")
def test_protected_files_cannot_be_written(tree: Path) -> None:
    protect_tree(tree, _ME, private=_hidden)
    with pytest.raises(PermissionError):
        (tree / "a/b/file").write_text("2")
    (tree / ".cache/state").write_text("2")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_protected_files_belong_to_the_keeper(tree: Path) -> None:
    for path in (tree / "a/b/file", tree / ".cache/state", tree / "a"):
        os.chown(path, 65534, 65534)
    protect_tree(tree, Owner(0, 0), private=_hidden)
    assert (tree / "a/b/file").stat().st_uid == 0
    assert (tree / ".cache/state").stat().st_uid == 65534
    assert (tree / "a").stat().st_uid == 65534


def test_size_and_removal(tree: Path) -> None:
    assert tree_size(tree) >= 3 * 512
    (tree / "a").chmod(0o500)
    remove_tree(tree)
    remove_tree(tree)
    assert not tree.exists()
