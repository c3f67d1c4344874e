"""Room on the disk: a new cluster must not take what the serving ones need to write."""

import shutil
from pathlib import Path

from euryale.cloud.host.account import own_account
from euryale.cloud.providers.database.postgres.commands import finish
from euryale.cloud.providers.database.postgres.failures import FREE_DISK
from euryale.cloud.providers.errors import ProviderUnavailableError

MEBIBYTE = 1024 * 1024
FRESH_BYTES = 48 * MEBIBYTE
_KIBIBYTE = 1024


async def size_of(directory: Path) -> int:
    """Return the bytes that ``directory`` takes on the disk; files that come and go meanwhile do not matter."""
    finished = await finish(["du", "-sk", "--", directory], account=own_account())
    sizes = [line.split("\t")[0] for line in finished.output.splitlines() if line.endswith(f"\t{directory}")]
    return int(sizes[-1]) * _KIBIBYTE if sizes else 0


def require_space(directory: Path, needed: int, *, reserve: int) -> None:
    """Refuse to take ``needed`` bytes if fewer than ``reserve`` would be left: a full disk stops every server on it.

    Raises:
        ProviderUnavailableError: If there is not enough.
    """
    free = shutil.disk_usage(directory).free
    if free - needed < reserve:
        raise ProviderUnavailableError(
            f"A new database needs {needed // MEBIBYTE} MiB and {reserve // MEBIBYTE} MiB are kept free for those "
            f"that serve, but only {free // MEBIBYTE} MiB are free in {directory}.",
            hint=FREE_DISK,
        )
