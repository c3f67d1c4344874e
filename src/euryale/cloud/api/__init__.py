"""The platform's HTTP API: thin routes, one noun a file."""

from euryale.cloud.api import deployments, executions, logs, platform, projects, workflows
from euryale.cloud.api.errors import ERROR_STATUSES

ROUTERS = (projects.router, deployments.router, logs.router, executions.router, workflows.router, platform.router)

__all__ = ["ERROR_STATUSES", "ROUTERS"]
