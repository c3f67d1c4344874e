"""Addresses of repositories: read, checked, and brought into one normal form. Pure."""

import base64
import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from euryale.cloud.providers.source.contract import InvalidRepositoryError
from euryale.cloud.providers.source.git.names import is_repository_name
from euryale.kit.secret import Secret

Scheme = Literal["https", "http", "ssh", "git", "file", "euryale"]

SCHEMES: Final[frozenset[Scheme]] = frozenset({"https", "http", "ssh", "git", "file", "euryale"})

_ACCEPTED = (
    "Accepted are https://, http://, ssh:// and git:// URLs, user@host:path, file:// URLs and absolute directories, "
    "and euryale:<name> for a repository of this platform."
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_SCP_LIKE = re.compile(r"(?:(?P<user>[A-Za-z0-9_][\w.+-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:].*)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9a-fA-F:.]+")
_USER = re.compile(r"[A-Za-z0-9_][\w.+-]*")
_USERINFO = re.compile(r"(?<=://)[^/\s@]*(?:@[^/\s@]*)*@")
_OWN = "euryale:"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is.

    Attributes:
        scheme: How it is reached; ``euryale`` is the platform's own remote.
        location: The normal form, without credentials: what may be stored, shown and handed to git.
        userinfo: What stood before the ``@`` of an http(s) URL, percent-decoded, as ``user:password``.
    """

    scheme: Scheme
    location: str
    userinfo: Secret | None = field(default=None)

    @property
    def own_name(self) -> str:
        """The name of the platform's own repository; only for the scheme ``euryale``."""
        return self.location.removeprefix(_OWN)

    @property
    def origin(self) -> str:
        """Scheme, host and port of an http(s) location, with a slash at the end."""
        parts = urlsplit(self.location)
        return f"{parts.scheme}://{parts.netloc}/"

    def authorization(self) -> Secret | None:
        """Return the value of the ``Authorization`` header that the credentials make, if there are any."""
        if self.userinfo is None:
            return None
        return Secret(f"Basic {base64.b64encode(self.userinfo.reveal().encode()).decode()}")


def own_address(name: str) -> str:
    """Return the address of the platform's own repository ``name``."""
    return f"{_OWN}{name}"


def without_credentials(text: str) -> str:
    """Return ``text`` with the credentials of every URL in it cut out."""
    return _USERINFO.sub("", text)


def parse_address(text: str, *, allowed: Collection[Scheme] = SCHEMES, own_url: str = "") -> Address:
    """Read an address.

    Args:
        text: What a person gave.
        allowed: The schemes that are accepted here.
        own_url: The public URL of the platform's own remote; addresses below it become ``euryale:<name>``.

    Raises:
        InvalidRepositoryError: If git shall not see it. The message never holds credentials.
    """
    if not text or text.startswith("-") or _UNPRINTABLE.search(text) or "::" in text.partition("/")[0]:
        raise _refused(text)
    address = _parse(text, own_url)
    if address.scheme not in allowed:
        raise InvalidRepositoryError(f"Repositories by {address.scheme} are not accepted on this platform.")
    return address


def _parse(text: str, own_url: str) -> Address:
    if own_url and (clean := without_credentials(text)).startswith(own_url.rstrip("/") + "/"):
        return _own(clean.removeprefix(own_url.rstrip("/") + "/").rstrip("/").removesuffix(".git"), text)
    if text.startswith(_OWN):
        return _own(text.removeprefix(_OWN), text)
    if text.startswith("/"):
        return Address("file", posixpath.normpath("/" + text.lstrip("/")))
    if "://" in text:
        return _from_url(text)
    if match := _SCP_LIKE.fullmatch(text):
        if match["path"].startswith("-"):
            raise _refused(text)
        return Address("ssh", text)
    raise _refused(text)


def _own(name: str, text: str) -> Address:
    if not is_repository_name(name):
        raise _refused(text)
    return Address("euryale", own_address(name))


def _from_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused(text) from None
    match parts.scheme:
        case "https" | "http" | "git" | "ssh" as scheme:
            return _remote(scheme, parts, port, text)
        case "file":
            path = unquote(parts.path)
            if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
                raise _refused(text)
            return Address("file", posixpath.normpath("/" + path.lstrip("/")))
        case _:
            raise _refused(text)


def _remote(scheme: Literal["https", "http", "git", "ssh"], parts: SplitResult, port: int | None, text: str) -> Address:
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.query or parts.fragment or not parts.path.strip("/"):
        raise _refused(text)
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    userinfo = None
    if parts.username is not None and scheme == "ssh":
        if parts.password is not None or not _USER.fullmatch(parts.username):
            raise InvalidRepositoryError("An ssh address carries a user and no password; ssh takes keys.")
        netloc = f"{parts.username}@{netloc}"
    elif parts.username is not None and scheme in {"https", "http"}:
        userinfo = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    elif parts.username is not None:
        raise _refused(text)
    return Address(scheme, urlunsplit((scheme, netloc, parts.path.rstrip("/"), "", "")), userinfo)


def _refused(text: str) -> InvalidRepositoryError:
    shown = _UNPRINTABLE.sub("?", without_credentials(text))[:200]
    return InvalidRepositoryError(f"{shown!r} is no address of a repository.", hint=_ACCEPTED)
