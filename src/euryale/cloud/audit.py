"""The audit: is what the ledger says what really exists?"""

from euryale.cloud.modules.ledger import Difference, Family, Ledger
from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.source.checkouts import Checkouts
from euryale.cloud.providers.source.remotes import Remotes


class Audit:
    """Compares the ledger with the inventory of every provider."""

    def __init__(
        self,
        ledger: Ledger,
        databases: Databases,
        builder: Builder,
        runtime: Runtime,
        router: Router,
        remotes: Remotes,
        checkouts: Checkouts,
    ) -> None:
        self._ledger = ledger
        self._inventories = {
            Family.DATABASE: databases.inventory,
            Family.BUILDER: builder.inventory,
            Family.RUNTIME: runtime.inventory,
            Family.ROUTER: router.inventory,
            Family.SOURCE: remotes.inventory,
            Family.CHECKOUT: checkouts.inventory,
        }

    async def differences(self) -> tuple[Difference, ...]:
        """Return all differences; while something is being made or taken away there may be some."""
        found: list[Difference] = []
        for family, inventory in self._inventories.items():
            found += await self._ledger.compare(family, await inventory())
        return tuple(found)
