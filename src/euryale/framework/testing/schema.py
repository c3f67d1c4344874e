"""Databases for tests, and the assertions that keep modules and migrations honest."""

import ast
import importlib.util
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from euryale.framework.data import Database, KeyRing, migrate, schema_differences
from euryale.framework.modules import Module


@asynccontextmanager
async def temporary_database(folder: Path, *modules: Module) -> AsyncIterator[Database]:
    """Open a new SQLite database, migrated for these modules, with a key for encrypted columns.

    Args:
        folder: Where its file goes, such as pytest's ``tmp_path``.
        modules: The modules whose tables it is to have.
    """
    database = Database(f"sqlite:///{folder}/temporary.sqlite3", keys=KeyRing([KeyRing.new_key()]))
    try:
        await migrate(database, [module.schema for module in modules if module.schema is not None])
        yield database
    finally:
        await database.close()


async def assert_migrations_match_models(folder: Path, *modules: Module) -> None:
    """Assert that the migrations of each module lead to exactly the tables of its models.

    Args:
        folder: Where the database for comparing goes, such as pytest's ``tmp_path``.
        modules: The modules.

    Raises:
        AssertionError: If they differ; the message lists how.
    """
    async with temporary_database(folder, *modules) as database:
        for module in modules:
            if module.schema is None:
                continue
            differences = await schema_differences(database, module.schema)
            if differences:
                listed = "\n".join(f"    {each}" for each in differences)
                raise AssertionError(
                    f"the migrations of module {module.name!r} do not lead to its models:\n{listed}\n"
                    "write the missing one: asyncio.run(make_migration(module.schema, message))"
                )


def assert_modules_independent(*modules: Module) -> None:
    """Assert that no module imports another one, by reading the source of all files in their packages.

    Raises:
        AssertionError: If one does; the message names the file and line.
    """
    packages = {module.name: _package_of(module) for module in modules}
    for name, package in packages.items():
        siblings = {other for sibling, other in packages.items() if sibling != name}
        for file, line, imported in _imports_of(package):
            for sibling in siblings:
                if imported == sibling or imported.startswith(f"{sibling}."):
                    raise AssertionError(
                        f"module {name!r} imports {imported} ({file}:{line}); what touches two modules is a workflow"
                    )


def _package_of(module: Module) -> str:
    declaring = [*module.services, *([module.models] if module.models is not None else [])]
    if not declaring:
        raise AssertionError(f"module {module.name!r} has neither services nor models: where it stands is unknown")
    declared_in = declaring[0].__module__
    is_package = hasattr(sys.modules[declared_in], "__path__")
    return declared_in if is_package else declared_in.rpartition(".")[0]


def _imports_of(package: str) -> Iterator[tuple[Path, int, str]]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise AssertionError(f"{package or 'a module'} is not a package")
    for folder in spec.submodule_search_locations:
        for file in sorted(Path(folder).rglob("*.py")):
            inner = ".".join(file.relative_to(folder).with_suffix("").parts)
            yield from _imports_in(file, f"{package}.{inner}".removesuffix(".__init__"))


def _imports_in(file: Path, name: str) -> Iterator[tuple[Path, int, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                base = importlib.util.resolve_name("." * node.level + base, package)
            yield from ((file, node.lineno, f"{base}.{alias.name}") for alias in node.names)
