"""What the tables of one module are, and where their migrations stand."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one module.

    Attributes:
        name: The module's name; all its tables begin with it and an underscore.
        metadata: The tables as the models declare them.
        migrations: The folder of its migrations, oldest first by name.
    """

    name: str
    metadata: MetaData
    migrations: Path

    @property
    def version_table(self) -> str:
        """The table that holds which migrations have run."""
        return f"{self.name}_alembic_version"

    def owns(self, table: str) -> bool:
        """Return whether a table of the database is one of this module's."""
        return table.startswith(f"{self.name}_") and table != self.version_table
