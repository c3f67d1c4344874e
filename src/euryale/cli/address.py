"""Where the platform is, and with which token it is asked."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from euryale.cli.errors import NoPlatformError, NoTokenError, UsageError
from euryale.kit.secret import Secret

_DIRECTORY: Final = ".euryale"
_PRIVATE: Final = 0o600
_SCHEMES: Final = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Address:
    """A platform and the token for it.

    Attributes:
        url: The platform's address, without a slash at the end.
        token: The token.
    """

    url: str
    token: Secret


@dataclass(frozen=True, slots=True)
class Places:
    """Where addresses are kept on this machine.

    Attributes:
        login: The file of ``euryale login``.
        directory: The working directory; a platform's directory is looked for here and above.
        home: The person's home directory.
    """

    login: Path
    directory: Path
    home: Path


def find_address(places: Places, *, url: str | None, token: str | None) -> Address:
    """Return the platform to ask: what is given, else the login, else a platform on this machine.

    A token that belongs to another address than the one that is given is not used.

    Args:
        places: Where addresses are kept.
        url: An address that was given as an option or in the environment.
        token: A token that was given as an option or in the environment.

    Raises:
        UsageError: If the given address is none.
        NoPlatformError: If nothing says where the platform is.
        NoTokenError: If nothing says which token to use there.
    """
    if url is not None:
        url = checked_url(url)
        if token:
            return Address(url, Secret(token))
    known = [each for each in _known(places) if url in {None, each.url}]
    if known:
        return Address(known[0].url, Secret(token)) if token else known[0]
    if url is None:
        raise NoPlatformError(
            "Nothing says where the platform is.",
            hint="Start one here: euryale up\nOr say where it is: euryale login --url https://...",
        )
    raise NoTokenError(f"There is no token for {url}.", hint="Use euryale login, --token or EURYALE_TOKEN.")


def checked_url(url: str) -> str:
    """Return an address without a slash at the end.

    Raises:
        UsageError: If it is none.
    """
    if not url.startswith(_SCHEMES) or not url.partition("://")[2].strip("/") or not url.isprintable():
        raise UsageError(f"{url!r} is no address of a platform.", hint="It looks like http://127.0.0.1:7400.")
    return url.rstrip("/")


def keep_login(path: Path, address: Address) -> None:
    """Write an address down, for its owner's eyes only.

    Raises:
        UsageError: If the file cannot be written.
    """
    text = json.dumps({"url": address.url, "token": address.token.reveal()})
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


def _known(places: Places) -> Iterator[Address]:
    for found in (_login(places.login), *map(_local, _directories(places))):
        if found is not None:
            yield found


def _directories(places: Places) -> Iterator[Path]:
    for each in (places.directory, *places.directory.parents, places.home):
        yield each / _DIRECTORY


def _login(path: Path) -> Address | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
        return Address(str(kept["url"]), Secret(str(kept["token"])))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _local(directory: Path) -> Address | None:
    """Return the address of a platform over a directory; None if there is none that this person may use."""
    try:
        url = (directory / "url").read_text("utf-8").strip()
        token = (directory / "token").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return Address(url, Secret(token)) if url.startswith(_SCHEMES) and token else None
