"""Directories that the platform and the database account share."""

from pathlib import Path

from euryale.cloud.host.account import Account, own_account
from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.database.postgres.commands import finish


def make_directory(directory: Path, account: Account) -> None:
    """Make ``directory``, which the platform owns: ``account`` may pass through it, but not list it."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700 if account.uid == own_account().uid else 0o711)


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
