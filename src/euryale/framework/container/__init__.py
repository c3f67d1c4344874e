"""Injection by annotation: providers make a graph, the graph is validated, the container runs it."""

from euryale.framework.container.container import Call, Container, plan_container
from euryale.framework.container.errors import (
    ContainerError,
    CycleError,
    DuplicateProviderError,
    MissingProviderError,
    NotResolvableError,
    ProviderError,
    ScopeError,
)
from euryale.framework.container.graph import Graph
from euryale.framework.container.provider import Provider, Scope, provide, supplied, value

__all__ = [
    "Call",
    "Container",
    "ContainerError",
    "CycleError",
    "DuplicateProviderError",
    "Graph",
    "MissingProviderError",
    "NotResolvableError",
    "Provider",
    "ProviderError",
    "Scope",
    "ScopeError",
    "plan_container",
    "provide",
    "supplied",
    "value",
]
