"""Modules: the independent parts of an application."""

from euryale.framework.modules.errors import ModuleError
from euryale.framework.modules.module import Module

__all__ = ["Module", "ModuleError"]
