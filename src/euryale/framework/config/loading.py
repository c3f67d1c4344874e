"""Loading settings: defaults < file < environment < arguments, then validated whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from euryale.framework.config.errors import ConfigError, Problem
from euryale.framework.config.fields import Setting, describe, prefix_of, section_of, variable_of
from euryale.framework.config.sources import (
    Collected,
    add_environment,
    add_file,
    add_overrides,
    open_required_sections,
    suggestion,
)

S = TypeVar("S", bound=BaseModel)
_SHOWN = 60


class Settings(BaseModel):
    """A convenient base of settings classes: frozen, and closed to unknown keys. Any pydantic model will do."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def load(
    settings: type[S],
    *,
    prefix: str,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> S:
    """Return validated settings.

    Later sources win: the class's defaults, then the file, then the environment, then ``overrides``.

    Args:
        settings: The class to fill; fields whose type is a model are sections. A section all of whose settings have
            defaults need not be given.
        prefix: What environment variables begin with: ``HELLO`` gives ``HELLO_DATABASE__URL``.
        file: A TOML file; it must exist if given.
        environ: The environment, such as ``os.environ``. Lists are comma-separated or JSON, mappings are JSON. A
            variable that a field is ``KnownAs`` gives way to the field's own.
        overrides: Arguments, nested or by dotted name: ``{"http.port": 8080}``.

    Raises:
        ConfigError: If anything is missing, unknown or not acceptable; all such problems are in it.
    """
    prefix = prefix_of(prefix)
    collected = Collected()
    if file is not None:
        add_file(collected, settings, file)
    add_environment(collected, settings, environ or {}, prefix=prefix)
    add_overrides(collected, settings, overrides or {})
    open_required_sections(collected.values, settings)
    try:
        loaded = settings.model_validate(collected.values)
    except ValidationError as error:
        reader = _Reader(settings, collected, prefix, environ or {})
        collected.problems.extend(map(reader.problem, error.errors(include_url=False, include_context=False)))
        # the cause is left out on purpose: it prints the input, secrets and all
        raise _refusal(settings, collected.problems) from None
    if collected.problems:
        raise _refusal(settings, collected.problems)
    return loaded


def _refusal(settings: type[BaseModel], problems: list[Problem]) -> ConfigError:
    ordered = sorted(problems, key=lambda problem: problem.field)
    lines = "\n".join(f"    {problem}" for problem in ordered)
    return ConfigError(f"the settings ({settings.__name__}) are not acceptable:\n\n{lines}", problems=ordered)


class _Reader:
    """Turns what pydantic reports into problems that name the place and never a secret's value."""

    def __init__(
        self, settings: type[BaseModel], collected: Collected, prefix: str, environ: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._collected = collected
        self._prefix = prefix
        self._environ = environ
        self._described = {setting.name: setting for setting in describe(settings, prefix=prefix)}

    def problem(self, details: ErrorDetails) -> Problem:
        path = tuple(map(str, details["loc"]))
        field = ".".join(path) or self._settings.__name__
        if details["type"] == "missing":
            return Problem(field, "", self._missing(path))
        setting = self._known(path)
        shown = "" if setting is None or setting.secret else _shown(details["input"])
        return Problem(
            ".".join(setting.path) if setting else field, self._collected.place_of(path), shown + details["msg"]
        )

    def _missing(self, path: tuple[str, ...]) -> str:
        sections = [each for each in self._described.values() if each.path[: len(path)] == path]
        setting = sections[0] if sections else self._known(path)
        variable = setting.variable if setting else variable_of(self._prefix, path)
        unused = self._environ.keys() - {each.variable for each in self._described.values()}
        near = suggestion(variable, [name for name in unused if name.startswith(f"{self._prefix}_")])
        advice = near.replace("did you mean", "is it misspelt as").replace('"?', '", which is set?')
        return f"is missing: set it in the file, or as {variable}{advice}"

    def _known(self, path: tuple[str, ...]) -> Setting | None:
        # pydantic adds the member of a union that it tried, or an index, at the end of the location
        for end in range(len(path), 0, -1):
            if (setting := self._described.get(".".join(path[:end]))) is not None:
                return setting
        return None


def sections_of(settings: BaseModel) -> list[BaseModel]:
    """Return the sections of loaded settings, and the sections of those."""
    found: list[BaseModel] = []
    for name, field in type(settings).model_fields.items():
        section = getattr(settings, name)
        if section_of(field.annotation) is not None and section is not None:
            found += [section, *sections_of(section)]
    return found


def section_types_of(settings: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the types of the sections of a settings class that are always there."""
    found: list[type[BaseModel]] = []
    for field in settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += [field.annotation, *section_types_of(field.annotation)]
    return found


def _shown(given: Any) -> str:
    if isinstance(given, BaseModel | dict):
        return ""
    text = repr(given)
    return f"{text if len(text) <= _SHOWN else text[:_SHOWN] + '...'} is not allowed: "
