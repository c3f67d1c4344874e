"""Code from any clone URL, and from the platform's own remote."""

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path

from euryale.cloud.providers.source.contract import (
    Commit,
    EmptyRepositoryError,
    InvalidRepositoryError,
    Repository,
    UnknownRefError,
    UnknownRepositoryError,
)
from euryale.cloud.providers.source.git.address import SCHEMES, Address, Scheme, parse_address
from euryale.cloud.providers.source.git.advertisement import parse_advertisement
from euryale.cloud.providers.source.git.mirror import Mirrors
from euryale.cloud.providers.source.git.names import as_hash, is_branch, short_branch
from euryale.cloud.providers.source.git.reader import Reader
from euryale.cloud.providers.source.git.remote import GitRemotes

_MOST_LISTED = 20


class GitSource:
    """Implements the source contract with the machine's git.

    An address is an ``https://``, ``http://``, ``ssh://`` or ``git://`` URL, ``user@host:path``, a ``file://`` URL
    or an absolute directory, or ``euryale:<name>`` (or that repository's URL) for one of ``remotes``. Credentials
    in http(s) URLs are used, and left out of normal forms, messages and file names: whoever wants to come back
    keeps the address as it was given, as a secret. Whether a caller may read ``euryale:<name>`` is the caller's to
    decide before.

    Directories and http to inner hosts let whoever names an address look at the platform's surroundings; where
    strangers name addresses, leave ``file`` and ``http`` out of ``schemes``.

    Args:
        root: Where the copies of repositories are kept; one process owns it; deleting it costs only fetches.
        remotes: The platform's own repositories, if it has any.
        schemes: The kinds of address that are accepted.
        look_limit: Seconds for a look at branches, and for reading from a copy.
        fetch_limit: Seconds for a fetch.
    """

    def __init__(
        self,
        root: Path,
        *,
        remotes: GitRemotes | None = None,
        schemes: Collection[Scheme] = SCHEMES,
        look_limit: float = 60.0,
        fetch_limit: float = 900.0,
    ) -> None:
        self._mirrors = Mirrors(root, look_limit=look_limit, fetch_limit=fetch_limit)
        self._remotes = remotes
        self._schemes = frozenset(schemes) - (frozenset() if remotes else frozenset({"euryale"}))
        self._limit = fetch_limit

    async def inspect(self, address: str) -> Repository:
        """Look at the repository, over the network and without fetching: cheap enough for polling.

        Raises:
            EmptyRepositoryError: If it has no commit.
        """
        place = self._parse(address)
        default, branches = parse_advertisement(await self._mirrors.advertised(place, self._url(place)))
        if not branches:
            raise _empty(place)
        return Repository(place.location, default, branches)

    async def heads(self, address: str) -> Mapping[str, str]:
        """Return the branches and the commits they point at now; an empty repository has none."""
        place = self._parse(address)
        return parse_advertisement(await self._mirrors.advertised(place, self._url(place)))[1]

    async def resolve(self, address: str, ref: str) -> Commit:
        """Return the commit that a branch (as it is at the address now) or a full hash names.

        Raises:
            UnknownRefError: If there is none, or ``ref`` is no valid name.
            EmptyRepositoryError: If the repository has no commit.
        """
        place = self._parse(address)
        if commit := as_hash(ref):
            reader = await self._holding(place, commit)
            return await reader.describe(commit)
        branch = short_branch(ref)
        if not is_branch(branch):
            raise UnknownRefError(f"{branch[:100]!r} is no name of a branch, and no full hash of a commit.")
        reader = await self._current(place)
        if (head := await reader.head_of(branch)) is None:
            raise await _unknown(place, reader, f"branch {branch!r}")
        return await reader.describe(head)

    async def files(self, address: str, commit: str) -> Mapping[str, int]:
        """Return the paths of the commit's regular files, and their sizes in bytes.

        Files whose names are not UTF-8 are left out; a checkout has them.
        """
        reader = await self._holding(self._parse(address), commit)
        found = {}
        for entry in await reader.entries(commit.lower()):
            if entry.regular and (path := _text(entry.path)) is not None:
                found[path] = entry.size
        return found

    async def read(self, address: str, commit: str, path: str) -> bytes:
        """Return one file of the commit, at most 64 MiB.

        Raises:
            UnknownRefError: If the commit has no such file.
        """
        reader = await self._holding(self._parse(address), commit)
        return await reader.content(commit.lower(), path)

    async def checkout(self, address: str, commit: str, into: Path) -> None:
        """Write the commit's files into ``into``; a directory left there by an earlier call is replaced.

        Raises:
            PermanentError: If a symbolic link leads out of it; the message names the link.
        """
        reader = await self._holding(self._parse(address), commit)
        await reader.write(commit.lower(), into)

    async def sweep(self, used: Collection[str]) -> None:
        """Delete the copies of repositories that are none of these and were not fetched in the last hour."""
        places = []
        for address in used:
            with contextlib.suppress(InvalidRepositoryError):  # its copy is fetched again when it is asked for
                places.append(parse_address(address, allowed=self._schemes, own_url=self._own_url))
        await self._mirrors.sweep(place for place in places if place.scheme != "euryale")

    @property
    def _own_url(self) -> str:
        return self._remotes.url if self._remotes else ""

    def _parse(self, address: str) -> Address:
        place = parse_address(address, allowed=self._schemes, own_url=self._own_url)
        if place.scheme == "file":
            closed = (self._remotes.root,) if self._remotes else ()
            self._mirrors.check_directory(place, closed=closed)
        if place.scheme == "euryale" and not self._own().exists(place.own_name):
            raise UnknownRepositoryError(f"There is no repository {place.location} on this platform.")
        return place

    def _own(self) -> GitRemotes:
        if self._remotes is None:
            raise UnknownRepositoryError("This platform has no repositories of its own.")
        return self._remotes

    def _url(self, place: Address) -> str:
        return str(self._own().path(place.own_name)) if place.scheme == "euryale" else place.location

    def _reader(self, place: Address, git_dir: Path) -> Reader:
        return Reader(git_dir, place.location, self._mirrors.env, self._limit)

    async def _current(self, place: Address) -> Reader:
        """Return a reader of the repository as it is now."""
        if place.scheme == "euryale":
            return self._reader(place, self._own().path(place.own_name))
        return self._reader(place, await self._mirrors.fetch(place, place.location))

    async def _holding(self, place: Address, commit: str) -> Reader:
        """Return a reader that has ``commit``, fetching only when it is not here yet."""
        if (wanted := as_hash(commit)) is None:
            raise UnknownRefError(f"{commit[:100]!r} is no full hash of a commit.")
        if place.scheme != "euryale" and self._mirrors.path(place).exists():
            reader = self._reader(place, self._mirrors.path(place))
            if await reader.has(wanted):
                return reader
        reader = await self._current(place)
        if await reader.has(wanted):
            return reader
        if not await reader.branches():
            raise _empty(place)
        if place.scheme != "euryale":
            with contextlib.suppress(UnknownRefError):
                await self._mirrors.fetch(place, place.location, wanted)
        if not await reader.has(wanted):
            raise await _unknown(place, reader, f"commit {wanted}")
        return reader


def _empty(place: Address) -> EmptyRepositoryError:
    return EmptyRepositoryError(f"{place.location} has no commit yet.", hint="Push one, then try again.")


async def _unknown(place: Address, reader: Reader, what: str) -> UnknownRefError | EmptyRepositoryError:
    branches = await reader.branches()
    if not branches:
        return _empty(place)
    more = f" and {len(branches) - _MOST_LISTED} more" if len(branches) > _MOST_LISTED else ""
    return UnknownRefError(
        f"{place.location} has no {what}. Its branches are: {', '.join(branches[:_MOST_LISTED])}{more}."
    )


def _text(path: bytes) -> str | None:
    try:
        return path.decode()
    except UnicodeDecodeError:
        return None
