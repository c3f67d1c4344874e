"""The platform's settings."""

from pathlib import Path

from pydantic import Field

from euryale.framework.config import Settings


class PlatformSettings(Settings):
    """How one platform is set up: a section of its configuration."""

    data: Path = Field(default=Path(".euryale"), description="directory that holds everything the platform keeps")
    host: str = Field(default="127.0.0.1", description="address on which the API listens")
    port: int = Field(default=7400, ge=1, le=65535, description="port of the API")
    http_port: int = Field(default=7480, ge=1, le=65535, description="port on which the applications are reached")
    domain: str = Field(default="localhost", description="what is behind <environment>.<project> in host names")
    build_timeout: float = Field(default=1800.0, gt=0, description="seconds that a build may take")
    build_slots: int = Field(default=2, ge=1, description="builds that run at the same time")
    minimum_free_disk: int = Field(default=2 * 1024**3, ge=0, description="bytes below which no build is taken")
    keep_builds: int = Field(default=2, ge=1, description="artifacts kept for each environment, the live one included")
    health_timeout: float | None = Field(
        default=None, gt=0, description="seconds in which an application gets healthy; default: what its plan says"
    )
    reconcile_every: float = Field(default=15.0, gt=0, description="seconds between two looks at branches")
    webhook_url: str = Field(default="", description="where notifications are posted, signed; empty: nowhere")
