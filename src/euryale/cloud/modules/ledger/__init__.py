"""The ledger: every outside thing that the platform made, written down before it is made."""

from euryale.cloud.modules.ledger.models import Base
from euryale.cloud.modules.ledger.records import Difference, Family, Resource
from euryale.cloud.modules.ledger.service import Ledger
from euryale.framework.modules import Module

LEDGER = Module("ledger", services=[Ledger], models=Base)

__all__ = ["LEDGER", "Difference", "Family", "Ledger", "Resource"]
