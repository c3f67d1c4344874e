import base64
from http import HTTPStatus

import pytest
from starlette.types import Scope

from euryale.cloud.providers.source.git.http_request import GitRequest, Refusal, parse_head, parse_request


def scope(method: str, path: str, query: bytes = b"", root_path: str = "", **headers: str) -> Scope:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http",
        "method": method,
        "path": root_path + path,
        "root_path": root_path,
        "query_string": query,
        "headers": raw,
        "client": ("10.0.0.1", 1),
    }


def test_the_two_services_are_recognised():
    asked = parse_request(scope("GET", "/shop.git/info/refs", b"service=git-upload-pack", "/git"))
    assert isinstance(asked, GitRequest)
    assert (asked.name, asked.service, asked.method, asked.pushes) == ("shop", "git-upload-pack", "GET", False)
    done = parse_request(scope("POST", "/shop/git-receive-pack"))
    assert isinstance(done, GitRequest)
    assert (done.name, done.pushes) == ("shop", True)


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/", b"", HTTPStatus.NOT_FOUND),
        ("GET", "/shop.git/HEAD", b"", HTTPStatus.NOT_FOUND),
        ("GET", "/shop.git/objects/info/packs", b"", HTTPStatus.NOT_FOUND),
        ("GET", "/../shop.git/info/refs", b"service=git-upload-pack", HTTPStatus.NOT_FOUND),
        ("GET", "/a/shop.git/info/refs", b"service=git-upload-pack", HTTPStatus.NOT_FOUND),
        ("GET", "/.euryale/info/refs", b"service=git-upload-pack", HTTPStatus.NOT_FOUND),
        ("GET", "/shop.git/info/refs\n", b"service=git-upload-pack", HTTPStatus.NOT_FOUND),
        ("GET", "/shop.git/info/refs", b"", HTTPStatus.FORBIDDEN),
        ("GET", "/shop.git/info/refs", b"service=git-upload-archive", HTTPStatus.FORBIDDEN),
        ("GET", "/shop.git/info/refs", b"service=git-upload-pack&service=git-receive-pack", HTTPStatus.FORBIDDEN),
        ("POST", "/shop.git/info/refs", b"service=git-upload-pack", HTTPStatus.METHOD_NOT_ALLOWED),
        ("GET", "/shop.git/git-receive-pack", b"", HTTPStatus.METHOD_NOT_ALLOWED),
    ],
)
def test_nothing_else_reaches_git(method, path, query, status):
    refusal = parse_request(scope(method, path, query))
    assert isinstance(refusal, Refusal)
    assert refusal.status is status


def test_cgi_variables_hold_checked_parts_only():
    request = parse_request(
        scope(
            "POST",
            "/shop/git-upload-pack",
            content_type="application/x-git-upload-pack-request",
            content_length="12",
            content_encoding="gzip",
            git_protocol="version=2",
            proxy="http://evil",
        )
    )
    assert isinstance(request, GitRequest)
    assert request.cgi("/srv/git") == {
        "CONTENT_LENGTH": "12",
        "CONTENT_TYPE": "application/x-git-upload-pack-request",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": "/srv/git",
        "HTTP_CONTENT_ENCODING": "gzip",
        "HTTP_GIT_PROTOCOL": "version=2",
        "PATH_INFO": "/shop.git/git-upload-pack",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "10.0.0.1",
        "REQUEST_METHOD": "POST",
    }
    odd = parse_request(
        scope("POST", "/shop/git-upload-pack", content_encoding="br", git_protocol="a;b", content_length="-1")
    )
    assert isinstance(odd, GitRequest)
    assert not {"CONTENT_LENGTH", "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL"} & odd.cgi("/srv").keys()


def test_basic_credentials_are_read_and_not_printed():
    given = base64.b64encode(b"ada:to:ken").decode()
    request = parse_request(scope("POST", "/shop/git-upload-pack", authorization=f"bAsic {given}"))
    assert isinstance(request, GitRequest)
    credentials = request.credentials()
    assert credentials is not None
    assert (credentials[0], credentials[1].reveal()) == ("ada", "to:ken")


@pytest.mark.parametrize("value", ["", "Basic", "Basic !!!", "Basic YWRh", "Bearer YWRhOng=", "Basic /w=="])
def test_other_credentials_are_none(value):
    request = parse_request(scope("POST", "/shop/git-upload-pack", authorization=value))
    assert isinstance(request, GitRequest)
    assert request.credentials() is None


def test_a_cgi_head_becomes_status_and_headers():
    head = b"Status: 403 Forbidden\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nnonsense"
    assert parse_head(head) == (403, [(b"content-type", b"text/plain")])
    assert parse_head(b"Expires: never\nPragma: a:b") == (200, [(b"expires", b"never"), (b"pragma", b"a:b")])
