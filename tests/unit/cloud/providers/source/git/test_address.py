import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.cloud.providers.source.contract import InvalidRepositoryError
from euryale.cloud.providers.source.git.address import parse_address, without_credentials

HEX = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "scheme", "location"),
    [
        ("https://example.com/a/b.git", "https", "https://example.com/a/b.git"),
        ("HTTPS://Example.COM:8443/a/", "https", "https://example.com:8443/a"),
        ("http://[::1]:80/a", "http", "http://[::1]:80/a"),
        ("ssh://git@example.com:22/a", "ssh", "ssh://git@example.com:22/a"),
        ("git@example.com:a/b.git", "ssh", "git@example.com:a/b.git"),
        ("example.com:a", "ssh", "example.com:a"),
        ("git://example.com/a", "git", "git://example.com/a"),
        ("/srv//git/../a.git/", "file", "/srv/a.git"),
        ("//srv/a", "file", "/srv/a"),
        ("file:///srv/a%40b", "file", "/srv/a@b"),
        ("file://localhost/srv/a", "file", "/srv/a"),
        ("euryale:shop", "euryale", "euryale:shop"),
        ("https://cloud.example.com/git/shop.git", "euryale", "euryale:shop"),
        ("https://ada:token@cloud.example.com/git/shop", "euryale", "euryale:shop"),
    ],
)
def test_accepted_addresses_have_one_form(text, scheme, location):
    address = parse_address(text, own_url="https://cloud.example.com/git/")
    assert (address.scheme, address.location) == (scheme, location)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "relative/path",
        "--upload-pack=x",
        "-x@host:path",
        "ext::sh -c touch% /tmp/pwned",
        "ext::sh",
        "fd::3",
        "host::path",
        "transport::https://example.com/a",
        "ftp://example.com/a",
        "https://",
        "https://example.com",
        "https://example.com/",
        "https://example.com:port/a",
        "https://example.com:99999/a",
        "https://example.com/a?x=y",
        "https://example.com/a#x",
        "https://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=x@example.com/a",
        "ssh://git:password@example.com/a",
        "git@-oProxyCommand=x:a",
        "git@host:-a",
        "git://user@example.com/a",
        "file://otherhost/a",
        "file://relative",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "/srv/a\0b",
        "euryale:",
        "euryale:../shop",
        "euryale:Shop",
        "https://cloud.example.com/git/a/b",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(InvalidRepositoryError):
        parse_address(text, own_url="https://cloud.example.com/git")


def test_only_allowed_schemes_pass():
    with pytest.raises(InvalidRepositoryError, match="by file are not accepted"):
        parse_address("/srv/a", allowed={"https"})


def test_credentials_are_kept_apart():
    address = parse_address(f"https://ada:{HEX}%2F@example.com/a")
    assert address.location == "https://example.com/a"
    assert address.origin == "https://example.com/"
    assert address.userinfo is not None
    assert address.userinfo.reveal() == f"ada:{HEX}/"
    header = address.authorization()
    assert header is not None
    assert base64.b64decode(header.reveal().removeprefix("Basic ")) == f"ada:{HEX}/".encode()
    assert HEX not in repr(address)


@pytest.mark.parametrize(
    "text", [f"ftp://ada:{HEX}@example.com/a", f"ssh://ada:{HEX}@example.com/a", f"https://{HEX}@-x/a"]
)
def test_refusals_do_not_tell_credentials(text):
    with pytest.raises(InvalidRepositoryError) as raised:
        parse_address(text)
    assert HEX not in str(raised.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/")))
def test_no_userinfo_survives_in_a_text(userinfo):
    text = f"fatal: unable to access 'https://{userinfo}@example.com/a.git/': no"
    assert without_credentials(text) == "fatal: unable to access 'https://example.com/a.git/': no"


@given(st.text(max_size=60))
def test_whatever_is_given_is_an_address_or_refused(text):
    try:
        address = parse_address(text)
    except InvalidRepositoryError:
        return
    assert not address.location.startswith("-")
    assert parse_address(address.location).location == address.location
