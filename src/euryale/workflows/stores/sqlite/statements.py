"""The SQL of this store."""

from typing import Final

from euryale.workflows.stores.statements import Statements

SQL: Final = Statements("euryale.workflows.stores.sqlite")
