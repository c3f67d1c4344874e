import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from euryale.cloud.providers.source.git.names import as_hash, is_branch, is_file_path, is_repository_name, short_branch

PIECES = st.sampled_from([*"ab-./@{}~^:?*[\\ \t\x7f", "..", "//", "@{", ".lock", ".lock/", "é", "HEAD", "\x01", "日本"])


def accepted_by_git(name: str) -> bool:
    return subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0


@settings(max_examples=250, deadline=None)
@given(
    st.lists(PIECES, max_size=8).map("".join)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
)
@example("@")
@example("a.lock.b")
@example("refs/heads/x")
def test_branch_names_are_those_that_git_accepts_and_no_options(name):
    assert is_branch(name) == (accepted_by_git(name) and not name.startswith("-"))


@pytest.mark.parametrize("name", ["\udcff", "a\0b", "x" * 241, "é" * 121])
def test_branch_names_that_no_file_system_or_process_takes_are_refused(name):
    assert not is_branch(name)


def test_only_full_hashes_are_hashes():
    assert as_hash("A" * 40) == "a" * 40
    assert as_hash("0" * 64) == "0" * 64
    assert [as_hash(text) for text in ("", "a" * 39, "a" * 41, "g" * 40, "a" * 40 + "\n")] == [None] * 5


def test_a_branch_loses_its_prefix_once():
    assert short_branch("refs/heads/refs/heads/x") == "refs/heads/x"


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "./a", "a/..", "../a", "a\0", "\udcff"])
def test_paths_that_no_commit_has_are_refused(path):
    assert not is_file_path(path)


@pytest.mark.parametrize("path", ["a", "-a", "a b", "a/b.c", "...", "*", ":(top)x"])
def test_paths_that_a_commit_may_have_pass(path):
    assert is_file_path(path)


@pytest.mark.parametrize("name", ["shop", "a", "0", "my-shop_2.web", "x" * 100])
def test_repository_names(name):
    assert is_repository_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Shop", ".a", "-a", "_a", "a.", "a..b", "a/b", "a.git", "a.lock", "é", "a b", "a\n", "x" * 101, ".euryale"],
)
def test_names_that_could_be_a_path_or_an_option_are_refused(name):
    assert not is_repository_name(name)
