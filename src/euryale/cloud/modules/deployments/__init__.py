"""Deployments: what was built from which commit, with which variables, and what became of it."""

from euryale.cloud.modules.deployments.errors import UnknownDeploymentError
from euryale.cloud.modules.deployments.models import Base
from euryale.cloud.modules.deployments.records import (
    CHOSEN,
    Deployment,
    DeploymentState,
    NewDeployment,
    Snapshot,
    Transition,
)
from euryale.cloud.modules.deployments.service import Deployments
from euryale.framework.modules import Module

DEPLOYMENTS = Module("deployments", services=[Deployments], models=Base)

__all__ = [
    "CHOSEN",
    "DEPLOYMENTS",
    "Deployment",
    "DeploymentState",
    "Deployments",
    "NewDeployment",
    "Snapshot",
    "Transition",
    "UnknownDeploymentError",
]
