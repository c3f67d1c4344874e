"""What can be wrong with a request about deployments.

NotFoundError
└── UnknownDeploymentError
"""

from euryale.kit.errors import NotFoundError


class UnknownDeploymentError(NotFoundError):
    """There is no such deployment. ``euryale deployments PROJECT`` shows those there are."""

    code = "cloud.deployments.unknown"
