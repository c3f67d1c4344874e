"""What can be set."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from euryale.framework.config import KnownAs, Settings
from euryale.framework.data import DatabaseSettings


class HelloSettings(Settings):
    """The settings; ``DATABASE_URL`` and ``PORT`` are what a platform gives."""

    database: DatabaseSettings
    port: Annotated[int, KnownAs("PORT")] = Field(default=8000, description="where this instance listens")
    executions: Path = Field(default=Path("~/.hello"), description="the directory of the instances' executions")
