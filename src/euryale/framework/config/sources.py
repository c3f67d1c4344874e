"""Where settings come from: a TOML file, the environment, arguments. Each value keeps its place of origin."""

import difflib
import json
import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from euryale.framework.config.errors import ConfigError, Problem
from euryale.framework.config.fields import is_structured, item_of, known_as, section_of, variable_of

_log = logging.getLogger(__name__)
_Path = tuple[str, ...]


@dataclass(slots=True)
class Collected:
    """Values laid one over the other, with the place each came from.

    Attributes:
        values: The values so far, by section.
        places: Where the value at a path came from.
        problems: What is wrong with the sources themselves.
    """

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[_Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, path: _Path, value: Any, place: str) -> None:
        """Lay one value over what is there."""
        section = self.values
        for name in path[:-1]:
            inner = section.get(name)
            if not isinstance(inner, dict):
                inner = section[name] = {}
            section = inner
        section[path[-1]] = value
        self.places[path] = place

    def open_section(self, path: _Path) -> None:
        """Make sure that a section is there, even if nothing in it is set."""
        section = self.values
        for name in path:
            section = section.setdefault(name, {})

    def place_of(self, path: _Path) -> str:
        """Return where the value at a path, or the nearest above it, came from; empty if it is from nowhere."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return ""


def add_file(collected: Collected, settings: type[BaseModel], file: Path) -> None:
    """Lay the values of a TOML file over what is there; unknown keys are problems.

    Raises:
        ConfigError: If the file cannot be read or is not TOML.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the settings file {file} cannot be read: {error.strerror}", hint="Create it, or leave it out."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {file} is not TOML: {error}") from error
    _add_tree(collected, settings, content, (), file.name)


def add_overrides(collected: Collected, settings: type[BaseModel], overrides: Mapping[str, Any]) -> None:
    """Lay arguments over what is there: nested mappings, or dotted names such as ``{"http.port": 80}``."""
    for dotted, value in overrides.items():
        *sections, name = dotted.split(".")
        tree: dict[str, Any] = {name: value}
        for section in reversed(sections):
            tree = {section: tree}
        _add_tree(collected, settings, tree, (), "arguments")


def open_required_sections(values: dict[str, Any], settings: type[BaseModel]) -> None:
    """Make sure that every section that must be there is, so that its defaults hold and what it lacks is named."""
    for name, info in settings.model_fields.items():
        section = section_of(info.annotation)
        if section is info.annotation and section is not None and info.is_required():
            inner = values.setdefault(name, {})
            if isinstance(inner, dict):
                open_required_sections(inner, section)


def add_environment(
    collected: Collected, settings: type[BaseModel], environ: Mapping[str, str], *, prefix: str
) -> None:
    """Lay environment variables over what is there: first those that everybody knows, then the settings' own.

    A variable that sets nothing is only warned of: other programs may use the prefix, too.
    """
    known = dict(_variables(settings, (), prefix))
    shared: dict[str, tuple[_Path, FieldInfo]] = {}
    for path, info in known.values():
        if name := known_as(info):
            shared.setdefault(name, (path, info))
    for variable, (path, info) in (*shared.items(), *known.items()):
        if variable in environ:
            _add_variable(collected, path, info, variable, environ[variable])
    for variable in sorted(environ):
        if variable.startswith(f"{prefix}_") and variable not in known:
            _log.warning("environment variable %s sets nothing%s", variable, suggestion(variable, known))


def _add_variable(collected: Collected, path: _Path, info: FieldInfo, variable: str, text: str) -> None:
    place = f"environment: {variable}"
    try:
        collected.put(path, _read_text(text, info), place)
    except json.JSONDecodeError as error:
        collected.problems.append(Problem(".".join(path), place, f"is not JSON, as its type needs: {error.msg}"))


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "..."?`` if a known name is near, else nothing."""
    similar = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{similar[0]}"?' if similar else ""


def _add_tree(collected: Collected, model: type[BaseModel], tree: Mapping[str, Any], path: _Path, source: str) -> None:
    for name, value in tree.items():
        here = (*path, name)
        info = model.model_fields.get(name)
        if info is None:
            _add_unknown(collected, model, here, source)
            continue
        section = section_of(info.annotation)
        if section is not None and isinstance(value, Mapping):
            collected.open_section(here)
            _add_tree(collected, section, value, here, source)
            continue
        _check_items(collected, info, value, here, source)
        collected.put(here, value, f"{source}: {'.'.join(here)}")


def _add_unknown(collected: Collected, model: type[BaseModel], path: _Path, source: str) -> None:
    near = suggestion(path[-1], model.model_fields)
    collected.problems.append(Problem(".".join(path), f"{source}: {'.'.join(path)}", f"is no setting{near}"))


def _check_items(collected: Collected, info: FieldInfo, value: Any, path: _Path, source: str) -> None:
    item = item_of(info.annotation)
    if item is None or not isinstance(value, list):
        return
    for index, each in enumerate(value):
        if isinstance(each, Mapping):
            for name in each.keys() - item.model_fields.keys():
                _add_unknown(collected, item, (*path, str(index), name), source)


def _variables(model: type[BaseModel], path: _Path, prefix: str) -> Iterable[tuple[str, tuple[_Path, FieldInfo]]]:
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        if section is not None:
            yield from _variables(section, (*path, name), prefix)
        else:
            yield variable_of(prefix, (*path, name)), ((*path, name), info)


def _read_text(text: str, info: FieldInfo) -> Any:
    if not is_structured(info):
        return text
    if text.lstrip()[:1] in {"[", "{"} or text.strip() == "null":
        return json.loads(text)
    return [part.strip() for part in text.split(",") if part.strip()]
