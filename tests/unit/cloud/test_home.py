"""The platform's directory."""

import os
from pathlib import Path

import pytest

from euryale.cloud.home import Home
from euryale.cloud.host.errors import HostError


def test_its_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    key, token = home.key, home.token
    again = Home.at(tmp_path / "home")
    assert (again.key, again.token) == (key, token)
    assert key.reveal()
    assert token.reveal().startswith("eury")
    for name in ("key", "token", "webhook-secret"):
        assert (home.path / name).stat().st_mode & 0o077 == 0
    assert not list(home.path.glob(".*")), "nothing half made is left"


def test_a_key_that_could_not_be_written_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(HostError, match="No space left"):
            Home.at(tmp_path / "home")
    assert not (tmp_path / "home" / "key").exists(), "half a key would be taken for a whole one for ever"
    assert Home.at(tmp_path / "home").key.reveal()
