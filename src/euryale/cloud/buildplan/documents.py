"""Reading the JSON, TOML and YAML files of a repository, which may hold anything."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from euryale.cloud.buildplan.errors import BadManifestError
from euryale.cloud.buildplan.files import RepositoryFiles

_YAML_LIMIT = 64 * 1024
_YAML_FAULTS = (yaml.YAMLError, ValueError, LookupError, AttributeError)
"""What the reader raises; the last two for values that are not of the type which their tag names."""


def json_object(files: RepositoryFiles, path: str) -> Mapping[str, Any] | None:
    """Return the object in a JSON file, or None if there is no such file.

    Raises:
        BadManifestError: If it is not JSON, or not an object.
    """
    text = files.text(path)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadManifestError(
            f"{path} is not valid JSON: {error.msg}, line {error.lineno} column {error.colno}.", file=path
        ) from error
    except ValueError as error:
        raise BadManifestError(f"{path} holds a number that is too long.", file=path) from error
    except RecursionError as error:
        raise BadManifestError(f"{path} is nested too deeply.", file=path) from error
    return _object(value, path, "JSON object")


def toml_table(files: RepositoryFiles, path: str) -> Mapping[str, Any] | None:
    """Return what a TOML file says, or None if there is no such file.

    Raises:
        BadManifestError: If it is not TOML.
    """
    text = files.text(path)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadManifestError(f"{path} is not valid TOML: {error}.", file=path) from error
    except ValueError as error:
        raise BadManifestError(f"{path} holds a number that is too long.", file=path) from error
    except RecursionError as error:
        raise BadManifestError(f"{path} is nested too deeply.", file=path) from error


def yaml_mapping(files: RepositoryFiles, path: str) -> Mapping[str, Any] | None:
    """Return the mapping in a YAML file, or None if there is no such file.

    Raises:
        BadManifestError: If it is not YAML, not a mapping, or larger than 64 KiB.
    """
    text = files.text(path)
    if text is None:
        return None
    if len(text) > _YAML_LIMIT:
        raise BadManifestError(f"{path} is larger than {_YAML_LIMIT} characters.", file=path)
    try:
        value = yaml.safe_load(text)
    except _YAML_FAULTS as error:
        raise BadManifestError(f"{path} is not valid YAML: {' '.join(str(error).split())}.", file=path) from error
    except RecursionError as error:
        raise BadManifestError(f"{path} is nested too deeply.", file=path) from error
    return {} if value is None else _object(value, path, "YAML mapping")


def table(parent: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
    """Return a table within a table, empty if it is not there.

    Raises:
        BadManifestError: If there is something else in its place.
    """
    return _object(parent.get(key, {}), path, "table", key)


def string(parent: Mapping[str, Any], key: str, path: str) -> str | None:
    """Return a text within a table, stripped, or None if it is not there or empty.

    Raises:
        BadManifestError: If there is something else in its place, or it holds control characters.
    """
    value = parent.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable():
        raise BadManifestError(f"{path}: {key!r} must be a line of text.", file=path)
    return value.strip() or None


def strings(parent: Mapping[str, Any], key: str, path: str) -> Mapping[str, str]:
    """Return a table whose values are texts; other values are left out.

    Raises:
        BadManifestError: If there is something else in its place.
    """
    return {name: value for name, value in table(parent, key, path).items() if isinstance(value, str)}


def _object(value: object, path: str, kind: str, key: str = "") -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    what = f"{path}: {key!r}" if key else path
    raise BadManifestError(f"{what} must be a {kind}, not {type(value).__name__}.", file=path)
