"""Print docs/reference/workflows.md, made from the signatures and docstrings of the workflow engine."""

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from docstring_markdown import markdown_of

ROOM: Final = "euryale.workflows"
_WIDTH: Final = 100

HEAD: Final = """\
# The workflow engine's interface

Made from the code by `scripts/docs`; do not edit.

Unless it says otherwise, all of this is imported from `euryale.workflows`. Durations are seconds or timedeltas, times
are seconds since the epoch or datetimes, as annotated. Errors are in [their own reference](errors.md), what the engine
reports is in [telemetry](telemetry.md); [how-tos](../README.md) show how the parts go together.
"""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Steps and workflows": (
        *("step", "Step", "StepResponse", "LATER", "inject", "Retry", "ONCE", "PERSISTENT", "workflow", "Workflow"),
    ),
    "Composing": (
        *("parallelize", "when", "definition.composer.When", "definition.composer.Then", "for_each", "transform"),
        *("sleep", "Signal", "wait_for", "emit", "detach", "Hook"),
    ),
    "Queues and schedules": ("Queue", "Rate", "Schedule", "ScheduleView"),
    "Inside of a step": ("step_context", "StepContext"),
    "Running": ("Engine", "Handle", "JsonCodec", "Secret", "Resolver", "ReleasedEvent"),
    "Stores": (
        *("stores.sqlite.store.SQLiteStore", "stores.postgres.store.PostgresStore", "stores.memory.MemoryStore"),
        "Store",
    ),
    "Other backends": ("Backend", "BackendHandle", "BackendView"),
    "Looking at executions": (
        *("ExecutionView", "StepView", "ExecutionQuery", "ExecutionEvent", "Failure", "Origin"),
        *("Status", "Reason", "Slot", "StepState", "UndoState", "history.values.History", "insight.Insight"),
    ),
}
"""What is shown, in order. A name with dots is a module of the engine and something in it that it does not export."""


MADE: Final = frozenset({"When", "Then", "Handle", "Insight", "Step", "Workflow"})
"""Classes that are not called by users: something else makes them."""


class Place(NamedTuple):
    """Where something is defined.

    Attributes:
        module: The module.
        name: Its name there.
    """

    module: str
    name: str


@cache
def _tree(module: str) -> ast.Module:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise LookupError(f"There is no module {module}.")
    return ast.parse(Path(found.origin).read_text("utf-8"))


@cache
def _imports(module: str) -> dict[str, Place]:
    """Return where the names come from that a module imports from others of ours."""
    return {
        alias.asname or alias.name: Place(node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("euryale.")
        for alias in node.names
    }


def exported() -> set[str]:
    """Return the names that the engine exports, except errors: those have a page of their own."""
    return {name for name, place in _imports(ROOM).items() if place.module != f"{ROOM}.errors"}


def shown() -> set[str]:
    """Return the exported names that the page shows."""
    return {name for group in GROUPS.values() for name in group if "." not in name}


def render() -> str:
    """Return the whole page."""
    sections = (_group(title, names) for title, names in GROUPS.items())
    return "\n".join([HEAD, *sections]).rstrip() + "\n"


def _group(title: str, names: Iterable[str]) -> str:
    return "\n".join([f"## {title}\n", *(_entry(name) for name in names)])


def _entry(name: str) -> str:
    module, _, own = f"{ROOM}.{name}".rpartition(".")
    place = Place(module, own) if "." in name else _imports(ROOM)[name]
    node, docstring = _definition(place)
    parts = [f"### `{own}`"]
    if "." in name:
        parts.append(f"From `{_home(place)}`.")
    match node:
        case ast.ClassDef():
            parts += [*_constructor(place, node), markdown_of(docstring), *_choices(node), *_methods(place, node)]
        case ast.FunctionDef():
            parts += [_code(_signature(node, own)), markdown_of(docstring)]
        case _:
            parts += [_code(ast.unparse(node)), markdown_of(docstring)]
    return "\n\n".join(parts) + "\n"


def _home(place: Place) -> str:
    """Return where a name is imported from that the engine does not export: the package of its module, if it can be."""
    package = place.module.rpartition(".")[0]
    return package if package != ROOM and place.name in _imports(package) else place.module


def _definition(place: Place) -> tuple[ast.stmt, str]:
    """Return what a name stands for in its module, the last of several, and its docstring."""
    found: tuple[ast.stmt, str] | None = None
    body = _tree(place.module).body
    for node, behind in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.ClassDef(name=place.name) | ast.FunctionDef(name=place.name):
                found = node, ast.get_docstring(node) or ""
            case ast.Assign(targets=[ast.Name(id=place.name)]) | ast.AnnAssign(target=ast.Name(id=place.name)):
                found = node, _literal(behind)
            case _:
                pass
    if found is None:
        raise LookupError(f"{place.module} defines no {place.name}.")
    return found


def _literal(node: ast.stmt | None) -> str:
    """Return the text of a statement that is nothing else, such as the docstring of a constant; else an empty one."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return ""


def _code(text: str) -> str:
    if '"' not in text:
        text = text.replace("'", '"')
    return f"```python\n{text}\n```"


def _constructor(place: Place, node: ast.ClassDef) -> Iterator[str]:
    """Yield how a class is called, unless it is made by the engine alone or has choices."""
    names = {ast.unparse(each) for each in node.bases}
    if names & {"StrEnum", "Protocol"} or place.name in MADE:
        return
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list) or "msgspec.Struct" in names:
        yield _code(_call(place.name, list(_fields(node)), ""))
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            yield _code(_call(place.name, _parameters(each.args), ""))


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and ast.unparse(each.annotation) == "KW_ONLY":
            yield "*"
        elif isinstance(each, ast.AnnAssign) and not ast.unparse(each.target).startswith("_"):
            yield ast.unparse(each)


def _choices(node: ast.ClassDef) -> Iterator[str]:
    """Yield the members of an enumeration."""
    if "StrEnum" in {ast.unparse(each) for each in node.bases}:
        values = [ast.unparse(each.value) for each in node.body if isinstance(each, ast.Assign)]
        yield f"One of {', '.join(f'`{value[1:-1]}`' for value in values)}."


def _methods(place: Place, node: ast.ClassDef) -> Iterator[str]:
    """Yield the public methods of a class and its bases, by name; those that only point elsewhere are left out."""
    for name, method in sorted(_all_methods(place, node).items()):
        docstring = ast.get_docstring(method) or ""
        if name.startswith("_") or not docstring or docstring.startswith("See :class:"):
            continue
        yield f"#### `{place.name}.{name}`"
        if any(ast.unparse(each) in {"property", "cached_property"} for each in method.decorator_list):
            yield _code(f"{name}: {_annotation(method.returns)}" if method.returns else name)
        else:
            yield _code(_signature(method, name))
        yield markdown_of(docstring)


def _all_methods(place: Place, node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    methods: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    for base in reversed(node.bases):
        parent = _origin(place.module, ast.unparse(base).partition("[")[0])
        if parent is not None:
            definition, _ = _definition(parent)
            methods |= _all_methods(parent, definition) if isinstance(definition, ast.ClassDef) else {}
    own = (each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return methods | {each.name: each for each in own}


def _origin(module: str, name: str) -> Place | None:
    """Return where a class is defined that a module names, if it is one of ours."""
    if name in _imports(module):
        return _imports(module)[name]
    defined = any(isinstance(each, ast.ClassDef) and each.name == name for each in _tree(module).body)
    return Place(module, name) if defined else None


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> str:
    kind = "async def " if isinstance(node, ast.AsyncFunctionDef) else "def "
    returned = f" -> {_annotation(node.returns)}" if node.returns else ""
    return _call(f"{kind}{name}", _parameters(node.args), returned)


def _call(name: str, parameters: list[str], returned: str) -> str:
    line = f"{name}({', '.join(parameters)}){returned}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {each}," for each in parameters), f"){returned}"])


def _parameters(arguments: ast.arguments) -> list[str]:
    """Return each parameter as it is written, without ``self`` or ``cls``."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    parameters = [_parameter(each, default) for each, default in zip(positional, defaults, strict=True)]
    if arguments.posonlyargs:
        parameters.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg:
        parameters.append(f"*{_parameter(arguments.vararg)}")
    elif arguments.kwonlyargs:
        parameters.append("*")
    parameters += [
        _parameter(each, default) for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        parameters.append(f"**{_parameter(arguments.kwarg)}")
    return parameters[1:] if positional and positional[0].arg in {"self", "cls"} else parameters


def _parameter(argument: ast.arg, default: ast.expr | None = None) -> str:
    annotation = f": {_annotation(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{annotation}" + (f" = {ast.unparse(default)}" if default is not None else "")


def _annotation(node: ast.expr) -> str:
    """Return an annotation as it is written, but without the quotes of what is defined further down."""
    return _literal(ast.Expr(node)) or ast.unparse(node)


if __name__ == "__main__":
    sys.stdout.write(render())
