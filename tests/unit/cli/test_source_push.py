"""The token reaches git through its environment, and only for the platform's URL."""

import base64
from pathlib import Path

import pytest

from euryale.cli.address import Address
from euryale.cli.errors import SourceError
from euryale.cli.source_push import push_environment, read_branch
from euryale.kit.secret import Secret
from git_repository import clone_with_commit, git

LOCAL = Address("http://127.0.0.1:7400", Secret("eury_x"))


def settings(env: dict[str, str]) -> dict[str, str]:
    count = int(env["GIT_CONFIG_COUNT"])
    return {env[f"GIT_CONFIG_KEY_{number}"]: env[f"GIT_CONFIG_VALUE_{number}"] for number in range(count)}


def test_the_token_is_for_that_url_alone():
    url = "http://127.0.0.1:7400/git/shop.git"
    env = push_environment({"PATH": "/bin"}, LOCAL, url)
    credentials = base64.b64encode(b"token:eury_x").decode()
    assert settings(env)[f"http.{url}.extraHeader"] == f"Authorization: Basic {credentials}"
    assert settings(env)[f"http.{url}.proxy"] == ""
    assert env["GIT_TERMINAL_PROMPT"] == "0"
    assert env["PATH"] == "/bin"


def test_what_the_person_has_set_stays():
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.x", "GIT_CONFIG_VALUE_0": "y"}
    assert settings(push_environment(environ, LOCAL, "http://a"))["core.x"] == "y"


def test_a_proxy_stays_for_a_platform_elsewhere():
    away = Address("https://cloud.example.com", Secret("x"))
    assert not any(key.endswith(".proxy") for key in settings(push_environment({}, away, "https://a")))


def test_the_branch_is_the_one_that_is_checked_out(tmp_path: Path):
    clone_with_commit(tmp_path / "app", {"a": b""}, branch="trunk")
    assert read_branch(tmp_path / "app") == "trunk"
    git("checkout", "--quiet", "--detach", cwd=tmp_path / "app")
    assert read_branch(tmp_path / "app") == "main"


def test_a_directory_inside_of_a_repository_is_not_pushed(tmp_path: Path):
    clone_with_commit(tmp_path / "app", {"inner/a": b""})
    with pytest.raises(SourceError, match=r"git -C .*inner init"):
        read_branch(tmp_path / "app" / "inner")


def test_a_directory_without_a_repository_is_not_pushed(tmp_path: Path):
    with pytest.raises(SourceError, match="not a Git repository"):
        read_branch(tmp_path)


def test_a_repository_without_a_commit_is_not_pushed(tmp_path: Path):
    git("init", "--quiet", cwd=tmp_path)
    with pytest.raises(SourceError, match="no commit yet"):
        read_branch(tmp_path)


def test_a_missing_directory_is_not_pushed(tmp_path: Path):
    with pytest.raises(SourceError, match="is not a directory"):
        read_branch(tmp_path / "none")
