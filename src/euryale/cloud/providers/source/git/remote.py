"""The platform's own bare repositories, to which ``git push`` deploys."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from euryale.cloud.providers.errors import ProviderUnavailableError
from euryale.cloud.providers.source.contract import InvalidRepositoryError
from euryale.cloud.providers.source.git.address import own_address
from euryale.cloud.providers.source.git.command import ISOLATION, environment, run_git, write_configuration
from euryale.cloud.providers.source.git.names import is_repository_name
from euryale.cloud.providers.source.git.spool import PushSpool
from euryale.cloud.providers.source.remotes import Push
from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.ids import new_id

_LIMIT_SECONDS: Final = 60.0
_STALE_LOCK_SECONDS: Final = 3600.0
_STALE_OBJECTS_SECONDS: Final = 86400.0
_HOOKS: Final = ("pre-receive", "post-receive")

_CONFIGURATION = """\
[core]
	hooksPath = "{hooks}"
	logAllRefUpdates = false
	# these repositories are the only copy that the platform has: what a push was told to be safe survives a power cut
	fsync = all
[receive]
	denyNonFastForwards = false
	denyDeleteCurrent = ignore
	fsckObjects = true
	maxInputSize = {max_pack_bytes}
	unpackLimit = 1
[receive "fsck"]
	# old histories have these, and they harm nobody
	zeroPaddedFilemode = warn
	badTimezone = warn
	missingSpaceBeforeDate = warn
[uploadpack]
	allowFilter = true
	allowReachableSHA1InWant = true
[http]
	receivepack = true
	getanyfile = false
"""


class GitRemotes:
    """Bare repositories ``<name>.git`` below a directory that one process owns.

    Args:
        root: The directory; made when missing, and closed to everybody else.
        url: Where ``GitHttpApp`` is reached from outside, such as ``https://cloud.example.com/git``; may be empty.
        max_pack_bytes: What one push may bring at most.
        clock: Decides when what a killed git left behind is stale.
    """

    def __init__(
        self, root: Path, *, url: str = "", max_pack_bytes: int = 1024 * 1024 * 1024, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.root = root.absolute()
        self.url = url.rstrip("/")
        self._clock = clock
        self._own = self.root / ".euryale"
        self._own.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        self._configuration = self._own / "gitconfig"
        self.spool = PushSpool(self._own / "pushes", clock=clock)
        hooks = _write_hooks(self._own / "hooks")
        quoted = str(hooks).replace("\\", "\\\\").replace('"', '\\"')
        write_configuration(
            self._configuration, ISOLATION + _CONFIGURATION.format(hooks=quoted, max_pack_bytes=max_pack_bytes)
        )

    @property
    def env(self) -> dict[str, str]:
        """The environment of a git that works in these repositories."""
        return environment(self._configuration)

    def address(self, name: str) -> str:
        """Return the address by which a source reads the repository: ``euryale:<name>``."""
        return own_address(_checked(name))

    def clone_url(self, name: str) -> str:
        """Return the URL that a person pushes to, without credentials; empty if the platform has no URL."""
        return f"{self.url}/{_checked(name)}.git" if self.url else ""

    def path(self, name: str) -> Path:
        """Return where the repository is, or would be.

        Raises:
            InvalidRepositoryError: If no repository can have that name.
        """
        return self.root / f"{_checked(name)}.git"

    def exists(self, name: str) -> bool:
        """Return whether there is a repository of that name."""
        return is_repository_name(name) and self.path(name).is_dir()

    async def create(self, name: str) -> str:
        """Make the repository, or adopt the one of that name; return its address.

        Raises:
            InvalidRepositoryError: If no repository can have that name.
            ProviderUnavailableError: If the disk does not take it.
        """
        path = self.path(name)
        if not path.is_dir():
            partial = self.root / f".{new_id('new')}"
            words = ("init", "--bare", "--quiet", "--template=", "--", partial)
            done = await run_git(words, env=self.env, cwd=self.root, limit=_LIMIT_SECONDS)
            try:
                if done.status != 0:
                    raise ProviderUnavailableError(f"No room for the repository {name}: {done.stderr.strip()}")
                _rename_unless_there(partial, path)
            finally:
                await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        return own_address(name)

    async def delete(self, name: str) -> None:
        """Delete the repository and forget its pending pushes; what is gone is done."""
        doomed = self.root / f".{new_id('deleted')}"
        with contextlib.suppress(FileNotFoundError):
            self.path(name).rename(doomed)
        await asyncio.to_thread(self.spool.forget, name)
        await asyncio.to_thread(shutil.rmtree, doomed, ignore_errors=True)

    async def inventory(self) -> frozenset[str]:
        """Return the names of the repositories that really exist: for the audit."""
        return frozenset(name for name, _ in self._repositories())

    async def refs(self, name: str) -> Mapping[str, str]:
        """Return the repository's refs and the hashes they point at; none if it is gone."""
        if not self.exists(name):
            return {}
        words = ("for-each-ref", "--format=%(objectname) %(refname)")
        env = self.env | {"GIT_DIR": str(self.path(name))}
        done = await run_git(words, env=env, cwd=self.root, limit=_LIMIT_SECONDS)
        if done.status != 0:
            raise ProviderUnavailableError(f"git could not read the repository {name}: {done.stderr.strip()}")
        pairs = (line.split(" ", 1) for line in done.stdout.decode(errors="replace").splitlines())
        return {ref: commit for commit, ref in pairs}

    async def pending(self, name: str | None = None) -> tuple[Push, ...]:
        """Return the pushes that were taken and not yet called done, oldest first; those of one repository if asked.

        They outlive a kill at any moment: what git had made of a push is in here. A push may come again under the
        same id, after ``done`` never.
        """
        return await self.spool.pending(self.refs, name)

    async def done(self, push_id: str) -> None:
        """Say that a push was acted upon; doing so twice is fine."""
        await asyncio.to_thread(self.spool.done, push_id)

    async def sweep(self) -> int:
        """Delete what a killed git left behind: locks of refs older than an hour, half pushes older than a day.

        Call it at start and by the clock: a left lock would refuse every later push to its branch.

        Returns:
            How many things were deleted.
        """
        return await asyncio.to_thread(self._sweep)

    def _sweep(self) -> int:
        swept = 0
        for _, path in self._repositories():
            for pattern in ("*.lock", "refs/**/*.lock"):
                swept += sum(_remove_if_older(each, self._before(_STALE_LOCK_SECONDS)) for each in path.glob(pattern))
            wrecks = path.glob("objects/tmp_objdir-*")
            swept += sum(_remove_if_older(each, self._before(_STALE_OBJECTS_SECONDS)) for each in wrecks)
        for pattern in (".new_*", ".deleted_*"):
            wrecks = self.root.glob(pattern)
            swept += sum(_remove_if_older(each, self._before(_STALE_OBJECTS_SECONDS)) for each in wrecks)
        return swept

    def _before(self, seconds: float) -> float:
        return self._clock.timestamp() - seconds

    def _repositories(self) -> Iterator[tuple[str, Path]]:
        for path in self.root.glob("*.git"):
            name = path.name.removesuffix(".git")
            if is_repository_name(name) and path.is_dir():
                yield name, path


def _checked(name: str) -> str:
    if not is_repository_name(name):
        raise InvalidRepositoryError(
            f"{name[:120]!r} is no name for a repository.",
            hint="Use at most 100 lower-case letters, digits, '-', '_' and single dots.",
        )
    return name


def _write_hooks(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    texts = files("euryale.cloud.providers.source.git") / "hooks"
    for name in _HOOKS:
        partial = directory / f"{name}.partial"
        partial.write_bytes((texts / name).read_bytes())
        partial.chmod(0o755)
        partial.replace(directory / name)
    return directory


def _rename_unless_there(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise somebody else made it meanwhile
            raise


def _remove_if_older(path: Path, before: float) -> bool:
    try:
        if path.stat().st_mtime >= before:
            return False
    except FileNotFoundError:
        return False
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True
