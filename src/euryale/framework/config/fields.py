"""What a settings class holds: its sections, its fields and the environment variable of each."""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from euryale.kit.secret import REDACTED, Secret


@dataclass(frozen=True, slots=True)
class KnownAs:
    """Lets a setting be given by a variable that everybody knows, too; its own variable wins.

    If several settings name the same one, it sets the first of them.

    Attributes:
        variable: The variable's name, without any prefix.

    Example:
        >>> class HelloSettings(Settings):
        ...     port: Annotated[int, KnownAs("PORT")] = 8000
    """

    variable: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as documentation shows it.

    Attributes:
        name: Its dotted name, such as ``database.url``.
        type: Its type, as written.
        default: Its default as text; ``None`` if it must be given.
        variable: The environment variable that sets it.
        description: What its ``Field(description=...)`` says.
        secret: It is never printed.
        known_as: The variable without prefix that sets it, too; empty if there is none.
    """

    name: str
    type: str
    default: str | None
    variable: str
    description: str
    secret: bool
    known_as: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """Its name in parts."""
        return tuple(self.name.split("."))


def describe(settings: type[BaseModel], *, prefix: str) -> tuple[Setting, ...]:
    """Return every setting of a settings class, in the order of its fields.

    Args:
        settings: The class; fields whose type is a model are sections.
        prefix: What the environment variables begin with, such as ``HELLO``.
    """
    return tuple(_walk(settings, (), prefix_of(prefix)))


def prefix_of(name: str) -> str:
    """Return the prefix of environment variables for a name: ``my-app`` gives ``MY_APP``."""
    return name.upper().replace("-", "_").rstrip("_")


def variable_of(prefix: str, path: tuple[str, ...]) -> str:
    """Return the environment variable of a setting: ``HELLO_DATABASE__URL``."""
    return f"{prefix}_{'__'.join(path).upper()}"


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field's annotation names, if it is a section: ``Model`` or ``Model | None``."""
    candidates = [_bare(each) for each in _members(annotation) if each is not type(None)]
    if len(candidates) == 1 and isinstance(candidates[0], type) and issubclass(candidates[0], BaseModel):
        return candidates[0]
    return None


def item_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model of which a field holds a list or tuple, if it does."""
    for each in _members(annotation):
        bare = _bare(each)
        if typing.get_origin(bare) in {list, tuple, set, frozenset}:
            return section_of(typing.get_args(bare)[0])
    return None


def is_structured(field: FieldInfo) -> bool:
    """Return whether a field holds a list, a mapping or the like, so that text for it is JSON."""
    structured = (list, tuple, set, frozenset, dict, Mapping, BaseModel)
    for each in _members(field.annotation):
        bare = typing.get_origin(_bare(each)) or _bare(each)
        if isinstance(bare, type) and issubclass(bare, structured):
            return True
    return False


def is_secret(field: FieldInfo) -> bool:
    """Return whether a field holds a secret, in itself or in a collection."""
    return _mentions_secret(field.annotation)


def known_as(field: FieldInfo) -> str:
    """Return the variable without prefix that sets a field, too; empty if there is none."""
    return next((each.variable for each in field.metadata if isinstance(each, KnownAs)), "")


def _walk(model: type[BaseModel], path: tuple[str, ...], prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is not None:
            yield from _walk(section, (*path, name), prefix)
            continue
        yield Setting(
            name=".".join((*path, name)),
            type=_type_name(field.annotation),
            default=_default(field),
            variable=variable_of(prefix, (*path, name)),
            description=field.description or "",
            secret=is_secret(field),
            known_as=known_as(field),
        )


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    if is_secret(field):
        return REDACTED
    if field.default_factory_takes_validated_data:
        return "(computed)"
    return str(field.get_default(call_default_factory=True))


def _members(annotation: Any) -> tuple[Any, ...]:
    bare = _bare(annotation)
    if typing.get_origin(bare) in {Union, types.UnionType}:
        return typing.get_args(bare)
    return (bare,)


def _bare(annotation: Any) -> Any:
    if typing.get_origin(annotation) is Annotated:
        return _bare(typing.get_args(annotation)[0])
    return annotation


def _mentions_secret(annotation: Any) -> bool:
    if annotation is Secret:
        return True
    return any(_mentions_secret(each) for each in typing.get_args(annotation))


def _type_name(annotation: Any) -> str:
    bare = _bare(annotation)
    if typing.get_origin(bare) is None and isinstance(bare, type):
        return bare.__name__
    return " | ".join(_plain(each) for each in _members(bare))


def _plain(annotation: Any) -> str:
    bare = _bare(annotation)
    if bare is type(None):
        return "None"
    return bare.__name__ if isinstance(bare, type) and not typing.get_args(bare) else str(bare).replace("typing.", "")
