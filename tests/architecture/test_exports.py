"""The public surface: what a package exports is what its ``__all__`` says."""

import ast
import importlib
from collections.abc import Iterable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGES = sorted(".".join(path.parent.relative_to(SOURCE).parts) for path in SOURCE.rglob("__init__.py"))


def tree_of(package: str) -> ast.Module:
    return ast.parse((SOURCE / package.replace(".", "/") / "__init__.py").read_text("utf-8"))


def imported(tree: ast.Module) -> set[str]:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
    return public(alias.asname or alias.name for node in imports for alias in node.names)


def defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return public(names)


def used(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_what_the_package_exports(package):
    tree = tree_of(package)
    exported = list(getattr(importlib.import_module(package), "__all__", ()))
    assert len(exported) == len(set(exported))
    assert set(exported) <= imported(tree) | defined(tree)
    for_export = defined(tree) | (imported(tree) - used(tree))
    assert for_export - set(exported) == set(), "export it, or begin its name with an underscore"


def test_the_engine_exports_what_its_users_need():
    exported = set(importlib.import_module("euryale.workflows").__all__)
    assert {"Engine", "step", "workflow", "StepResponse"} <= exported
