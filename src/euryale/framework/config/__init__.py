"""Typed settings: defaults < file < environment < arguments, validated whole, each error with its place of origin."""

from euryale.framework.config.errors import ConfigError, Problem
from euryale.framework.config.fields import KnownAs, Setting, describe
from euryale.framework.config.loading import Settings, load, section_types_of, sections_of
from euryale.framework.config.secret_field import SecretField

__all__ = [
    "ConfigError",
    "KnownAs",
    "Problem",
    "SecretField",
    "Setting",
    "Settings",
    "describe",
    "load",
    "section_types_of",
    "sections_of",
]
