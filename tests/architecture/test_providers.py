"""Every member of a family of providers is put through the family's contract suite."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from euryale.cloud import providers

TESTS = Path(__file__).parents[1]
SUITES = TESTS / "contract" / "cloud"
FAMILIES = sorted(module.name for module in pkgutil.iter_modules(providers.__path__) if module.ispkg)


def members(family: str) -> set[str]:
    """Name the classes of a family that have all that its contract promises."""
    package = importlib.import_module(f"euryale.cloud.providers.{family}")
    contract = importlib.import_module(f"{package.__name__}.contract")
    protocol = getattr(contract, family.capitalize())
    promised = [name for name in vars(protocol) if not name.startswith("_")]
    return {
        found.__name__
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.name != contract.__name__
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        if found.__module__ == module.name and all(hasattr(found, name) for name in promised)
    }


def used_names(path: Path) -> set[str]:
    """Name what a test file uses, by itself or through the fixtures that it takes from ``tests``."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    shared = [file for module in imports if (file := TESTS / f"{module}.py").is_file()]
    return names.union(*map(used_names, shared))


def test_the_families_are_found():
    assert set(FAMILIES) >= {"builder", "database", "notifier", "router", "runtime", "source"}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_member_is_put_through_the_contract(family):
    found = members(family)
    assert len(found) > 1, "a family has a member for tests and a real one"
    assert found - used_names(SUITES / f"test_{family}.py") == set()
