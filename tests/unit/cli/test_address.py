"""Where the platform is: options, then the login, then a platform on this machine."""

import json
import stat
from pathlib import Path

import pytest

from euryale.cli.address import Address, Places, find_address, keep_login
from euryale.cli.errors import NoPlatformError, NoTokenError, UsageError
from euryale.kit.secret import Secret

LOGIN = Address("https://cloud.example.com", Secret("of-login"))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    inner = tmp_path / "work" / "deep"
    inner.mkdir(parents=True)
    return Places(tmp_path / "config" / "login.json", inner, tmp_path / "home")


def local(directory: Path, url: str, token: str) -> None:
    kept = directory / ".euryale"
    kept.mkdir(parents=True)
    (kept / "url").write_text(f"{url}\n")
    (kept / "token").write_text(f"{token}\n")


def test_what_is_given_wins(places: Places):
    keep_login(places.login, LOGIN)
    found = find_address(places, url="http://127.0.0.1:1/", token="given")
    assert found == Address("http://127.0.0.1:1", Secret("given"))


def test_the_login_comes_before_a_platform_on_this_machine(places: Places):
    local(places.directory, "http://127.0.0.1:1", "of-local")
    assert find_address(places, url=None, token=None).token == Secret("of-local")
    keep_login(places.login, LOGIN)
    assert find_address(places, url=None, token=None) == LOGIN


def test_a_platform_is_found_here_then_above_then_at_home(places: Places):
    local(places.home, "http://127.0.0.1:1", "a")
    assert find_address(places, url=None, token=None).url == "http://127.0.0.1:1"
    local(places.directory.parent, "http://127.0.0.1:2", "b")
    assert find_address(places, url=None, token=None).url == "http://127.0.0.1:2"
    local(places.directory, "http://127.0.0.1:3", "c")
    assert find_address(places, url=None, token=None).url == "http://127.0.0.1:3"


def test_a_token_is_never_sent_to_another_address(places: Places):
    keep_login(places.login, LOGIN)
    local(places.directory, "http://127.0.0.1:1", "of-local")
    assert find_address(places, url="http://127.0.0.1:1", token=None).token == Secret("of-local")
    with pytest.raises(NoTokenError):
        find_address(places, url="https://elsewhere.example.com", token=None)


def test_a_given_token_is_for_the_known_address(places: Places):
    keep_login(places.login, LOGIN)
    assert find_address(places, url=None, token="given") == Address(LOGIN.url, Secret("given"))


def test_nothing_known_says_what_to_do(places: Places):
    with pytest.raises(NoPlatformError, match="euryale up"):
        find_address(places, url=None, token=None)


@pytest.mark.parametrize("url", ["", "cloud.example.com", "ftp://example.com", "http://", "http://a\nb"])
def test_what_is_no_address_is_refused(places: Places, url: str):
    with pytest.raises(UsageError):
        find_address(places, url=url, token="x")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": "http://a"}', "\0"])
def test_a_broken_login_is_no_login(places: Places, text: str):
    places.login.parent.mkdir()
    places.login.write_text(text)
    with pytest.raises(NoPlatformError):
        find_address(places, url=None, token=None)


def test_the_login_is_for_its_owner_alone(places: Places):
    keep_login(places.login, Address("http://a", Secret("old")))
    keep_login(places.login, LOGIN)
    assert stat.S_IMODE(places.login.stat().st_mode) == 0o600
    assert json.loads(places.login.read_text()) == {"url": LOGIN.url, "token": "of-login"}
    assert list(places.login.parent.iterdir()) == [places.login]
