"""Directories that the platform and the database account share."""

from pathlib import Path

from euryale.cloud.host.account import Account, own_account
from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.database.postgres.commands import finish


def make_directory(directory: Path, account: Account) -> None:
    """Make ``directory`` and what is missing above it: ``account`` may pass through, but not list what is there."""
    mode = 0o700 if account.uid == own_account().uid else 0o711
    missing = [parent for parent in directory.parents if not parent.exists()]
    for each in [*reversed(missing), directory]:
        each.mkdir(exist_ok=True)
        each.chmod(mode)  # whatever the umask


async def require_reach(directory: Path, account: Account) -> None:
    """Make sure that ``account`` can pass through ``directory`` and everything above it.

    Raises:
        HostError: If it cannot; the message names the first directory that is in its way.
    """
    if await _may_enter(directory, account):
        return
    for parent in reversed([directory, *directory.parents]):
        if not await _may_enter(parent, account):
            raise HostError(
                f"The database account {account.name!r} cannot pass through {parent}, which leads to {directory}.",
                hint=f"Run: chmod o+x '{parent}' - or put the data directory elsewhere.",
            )


async def _may_enter(directory: Path, account: Account) -> bool:
    return (await finish(["test", "-x", directory], account=account)).code == 0
