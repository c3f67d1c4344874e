"""Euryale: workflows that do not die, a framework on them, a self-hosted cloud."""

__version__ = "0.1.0"
