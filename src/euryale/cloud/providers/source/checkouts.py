"""Where commits are checked out for a build, until the builder has taken them."""

import asyncio
import shutil
from pathlib import Path


class Checkouts:
    """Directories of their own below one root, which nobody else can enter: they hold customers' source.

    Args:
        root: The directory that holds them; made if missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, name: str) -> Path:
        """Return the directory of a checkout; its parent exists."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._root.chmod(0o700)
        return self._root / name

    async def remove(self, name: str) -> None:
        """Delete a checkout, and what a killed one left beside it; what is gone is done."""
        for path in (self._root / name, self._root / f".{name}.checkout"):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)

    async def inventory(self) -> frozenset[str]:
        """Return the names of those that exist, whole or half made: for the audit."""
        if not self._root.is_dir():
            return frozenset()
        return frozenset(each.name.removeprefix(".").removesuffix(".checkout") for each in self._root.iterdir())
