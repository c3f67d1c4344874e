"""Bare copies of the repositories at other addresses. They are a cache: deleting them costs a fetch."""

import asyncio
import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.source.contract import InvalidRepositoryError, UnknownRepositoryError
from euryale.cloud.providers.source.git.address import Address
from euryale.cloud.providers.source.git.command import ISOLATION, environment, run_git, write_configuration
from euryale.cloud.providers.source.git.refusal import refusal
from euryale.kit.ids import new_id
from euryale.kit.machine_time import utc_now

_KEY_BYTES: Final = 32
_KEPT_UNUSED: Final = 3600.0
_ALL_BRANCHES: Final = "+refs/heads/*:refs/heads/*"


class Mirrors:
    """One bare repository per address and credentials, below a directory that one process owns.

    Args:
        root: The directory; made when missing.
        look_limit: Seconds that a look at a repository's branches may take.
        fetch_limit: Seconds that a fetch may take.
    """

    def __init__(self, root: Path, *, look_limit: float, fetch_limit: float) -> None:
        self.root = root.absolute()
        self._look_limit = look_limit
        self._fetch_limit = fetch_limit
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._configuration = self.root / "gitconfig"
        write_configuration(self._configuration, ISOLATION)
        self._key = _key(self.root / "key")

    @property
    def env(self) -> dict[str, str]:
        """The environment of a git that only reads on this machine."""
        return environment(self._configuration, GIT_ALLOW_PROTOCOL="")

    def path(self, address: Address) -> Path:
        """Return where the copy is, or will be.

        Credentials are a part of it: whoever has none shall not read what another one's credentials fetched.
        """
        userinfo = address.userinfo.reveal() if address.userinfo else ""
        text = f"{address.location}\n{userinfo}".encode()
        return self.root / f"{hmac.new(self._key, text, hashlib.sha256).hexdigest()}.git"

    async def advertised(self, address: Address, url: str) -> str:
        """Return what ``git ls-remote --symref`` tells of HEAD and the branches."""
        words = ("ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*")
        return (await self._remote(address, words, limit=self._look_limit)).decode(errors="replace")

    async def fetch(self, address: Address, url: str, commit: str | None = None) -> Path:
        """Bring the copy up to date and return its path; with ``commit``, ask for that one too.

        Raises:
            UnknownRefError: If the other side does not hand out ``commit``.
        """
        path = self.path(address)
        async with self._lock(path):
            if not path.exists():
                await self._create(path)
            await asyncio.to_thread(_clear_wreckage, path)
            words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]
            if commit is None:
                words += ["--prune", "--force", "--", url, _ALL_BRANCHES]
            else:
                words += ["--", url, commit]
            await self._remote(address, words, limit=self._fetch_limit, git_dir=path)
            os.utime(path)
        return path

    async def sweep(self, used: Iterable[Address]) -> None:
        """Delete the copies that are of none of these addresses and were not fetched in the last hour."""
        kept = {self.path(address) for address in used}
        for path in await asyncio.to_thread(lambda: sorted(self.root.glob("*.git"))):
            if path in kept:
                continue
            async with self._lock(path):
                if utc_now().timestamp() - path.stat().st_mtime > _KEPT_UNUSED:
                    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

    def _lock(self, path: Path) -> asyncio.Lock:
        lock = self._locks.get(path)
        if lock is None:
            lock = self._locks[path] = asyncio.Lock()
        return lock

    async def _create(self, path: Path) -> None:
        partial = self.root / new_id("partial")
        words = ("init", "--bare", "--quiet", "--template=", "--", partial)
        done = await run_git(words, env=self.env, cwd=self.root, limit=self._look_limit)
        if done.status != 0:
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
            raise ProviderUnavailableError(f"No room for a copy of a repository: {done.stderr.strip()}")
        partial.rename(path)

    async def _remote(
        self, address: Address, words: tuple[str, ...] | list[str], *, limit: float, git_dir: Path | None = None
    ) -> bytes:
        env = self.env | _reaching(address) | ({"GIT_DIR": str(git_dir)} if git_dir else {})
        done = await run_git(words, env=env, cwd=self.root, limit=limit)
        if done.status != 0:
            raise refusal(done.stderr, address.location)
        return done.stdout

    def check_directory(self, address: Address, *, closed: tuple[Path, ...]) -> None:
        """Check that a directory may be read as a repository: it is there, and is none of the platform's own.

        Raises:
            UnknownRepositoryError: If there is no such directory.
            InvalidRepositoryError: If it is in one of ``closed`` or among the copies.
        """
        real = Path(os.path.realpath(address.location))
        if any(real.is_relative_to(os.path.realpath(place)) for place in (self.root, *closed)):
            raise InvalidRepositoryError("That directory is the platform's own.", hint="Name it as euryale:<name>.")
        if not real.is_dir():
            raise UnknownRepositoryError(f"There is no directory {address.location!r} on the platform's machine.")


def _reaching(address: Address) -> dict[str, str]:
    """Return what lets git reach this address and no other kind; credentials are seen by no ``ps``."""
    allowed = {"http": "http:https", "euryale": "file"}.get(address.scheme, address.scheme)
    header = address.authorization()
    if header is None:
        return {"GIT_ALLOW_PROTOCOL": allowed}
    return {
        "GIT_ALLOW_PROTOCOL": allowed,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{address.origin}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: {header.reveal()}",
    }


def _clear_wreckage(path: Path) -> None:
    """Delete the locks and half packs of a fetch that was killed; the caller holds the lock of this copy."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for wreck in path.glob(pattern):
            wreck.unlink(missing_ok=True)


def _key(path: Path) -> bytes:
    """Return the key that names the copies, so that their names tell nothing of the credentials in them."""
    if not path.exists():
        partial = path.with_name(new_id("key"))
        partial.touch(mode=0o600)
        partial.write_bytes(secrets.token_bytes(_KEY_BYTES))
        partial.replace(path)
    return path.read_bytes()
