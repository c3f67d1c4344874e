"""What a smart-HTTP request asks for, and what git's CGI program answers. Pure."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal, cast
from urllib.parse import parse_qs

from starlette.types import Scope

from euryale.cloud.providers.source.git.names import is_repository_name
from euryale.kit.secret import Secret

Service = Literal["git-upload-pack", "git-receive-pack"]

_ROUTE = re.compile(r"/(?P<name>[^/]+)/(?P<what>info/refs|git-upload-pack|git-receive-pack)")
_SERVICES: Final = frozenset({"git-upload-pack", "git-receive-pack"})
_GIT_PROTOCOL = re.compile(r"[a-z0-9:=.,-]{1,128}")
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "status", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class GitRequest:
    """A request that git's CGI program may be given.

    Attributes:
        name: The repository.
        service: ``git-upload-pack`` gives commits, ``git-receive-pack`` takes them.
        method: ``GET`` asks what there is, ``POST`` does it.
        headers: The request's headers, lower case.
        client: The caller's address.
    """

    name: str
    service: Service
    method: Literal["GET", "POST"]
    headers: Mapping[str, str]
    client: str

    @property
    def pushes(self) -> bool:
        """Whether it may move refs."""
        return self.service == "git-receive-pack" and self.method == "POST"

    def credentials(self) -> tuple[str, Secret] | None:
        """Return the user and the password of the ``Authorization`` header, if it is one of the Basic kind."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, Secret(password)) if colon else None

    def cgi(self, root: str) -> dict[str, str]:
        """Return the CGI variables, made of checked parts only."""
        what = "info/refs" if self.method == "GET" else self.service
        variables = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": root,
            "PATH_INFO": f"/{self.name}.git/{what}",
            "QUERY_STRING": f"service={self.service}" if self.method == "GET" else "",
            "REMOTE_ADDR": self.client,
            "REQUEST_METHOD": self.method,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
        }
        if (length := self.headers.get("content-length", "")).isdigit():
            variables["CONTENT_LENGTH"] = length
        if (encoding := self.headers.get("content-encoding", "")) in {"gzip", "x-gzip"}:
            variables["HTTP_CONTENT_ENCODING"] = encoding
        if _GIT_PROTOCOL.fullmatch(version := self.headers.get("git-protocol", "")):
            variables["HTTP_GIT_PROTOCOL"] = version
        return variables


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request does not reach git."""

    status: HTTPStatus
    text: str


def parse_request(scope: Scope) -> GitRequest | Refusal:
    """Read a request. Only the two smart services pass: no file of a repository is handed out."""
    path = cast("str", scope["path"]).removeprefix(scope.get("root_path", ""))
    match = _ROUTE.fullmatch(path)
    name = match["name"].removesuffix(".git") if match else ""
    if match is None or not is_repository_name(name):
        return Refusal(HTTPStatus.NOT_FOUND, "There is no repository at this address.")
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
    client = str((scope.get("client") or ("",))[0])
    if match["what"] != "info/refs":
        if scope["method"] != "POST":
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Only POST is answered here.")
        return GitRequest(name, cast("Service", match["what"]), "POST", headers, client)
    if scope["method"] != "GET":
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered here.")
    asked = parse_qs(cast("bytes", scope.get("query_string", b"")).decode("latin-1")).get("service", [""])
    if len(asked) != 1 or asked[0] not in _SERVICES:
        return Refusal(HTTPStatus.FORBIDDEN, "Only git's smart HTTP protocol is spoken here.")
    return GitRequest(name, cast("Service", asked[0]), "GET", headers, client)


def parse_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Read the head of a CGI answer into a status and headers as ASGI has them."""
    status = int(HTTPStatus.OK)
    headers = []
    for line in head.split(b"\r\n" if b"\r\n" in head else b"\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        if name.lower() == b"status":
            status = int(value.split()[0])
        if name.lower().decode("latin-1") not in _HOP_BY_HOP:
            headers.append((name.lower(), value.strip()))
    return status, headers
