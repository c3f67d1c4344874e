"""How each side is started, and on what."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from engine.bench import Bench
from engine.database import programs
from engine.side import Program

_PROGRAMS = Path(__file__).with_name("programs")
_PATH = (str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")]))
_HERE = {"PYTHONPATH": os.pathsep.join(_PATH)}
_DEFAULT_CONCURRENCY = 1000


def own(name: str, kind: str, place: str, concurrency: int = _DEFAULT_CONCURRENCY) -> Program:
    """Our engine on a store."""
    arguments = (kind, place, str(concurrency))
    return Program(name, (sys.executable, "-m", "engine.programs.own_engine", *arguments), _HERE)


def own_on_sqlite(bench: Bench) -> Program:
    """Our engine on a file of its own."""
    return own("ours", "sqlite", bench.new_file())


def own_on_postgres(bench: Bench) -> Program:
    """Our engine on a database of its own."""
    return own("ours", "postgres", bench.postgres.new_database())


def own_in_memory(_: Bench) -> Program:
    """Our engine without durability."""
    return own("ours", "memory", "-")


def own_worker(url: str) -> Program:
    """A worker of our engine."""
    return Program("worker", (sys.executable, "-m", "engine.programs.own_worker", url), _HERE)


def bare_sqlite(bench: Bench) -> Program:
    """SQLite without an engine."""
    return Program("commit", (sys.executable, "-m", "engine.programs.bare_sqlite", bench.new_file()), _HERE)


def bare_postgres(bench: Bench) -> Program:
    """PostgreSQL without an engine."""
    url = bench.postgres.new_database()
    return Program("commit", (sys.executable, "-m", "engine.programs.bare_postgres", url), _HERE)


def dbos_on_sqlite(bench: Bench) -> Program:
    """DBOS on a file of its own."""
    return _peer(bench, "dbos", f"sqlite:///{bench.new_file()}")


def dbos_on_postgres(bench: Bench) -> Program:
    """DBOS on a database of its own."""
    return _peer(bench, "dbos", bench.postgres.new_database())


def absurd(bench: Bench) -> Program:
    """Absurd on a database of its own."""
    program = _peer(bench, "absurd", bench.postgres.new_database())
    path = os.pathsep.join((str(programs()), os.environ["PATH"]))  # with psql
    return replace(program, environment={**program.environment, "PATH": path})


def temporal(bench: Bench) -> Program:
    """Temporal's development server, keeping its data in a file, with a worker."""
    return _peer(bench, "temporal", bench.new_file())


def medusa(bench: Bench) -> Program:
    """Medusa's engine within Node."""
    node, modules = bench.peers.node()
    return Program("medusa", (str(node), str(_PROGRAMS / "medusa_engine.cjs")), {"NODE_PATH": str(modules)})


def _peer(bench: Bench, name: str, place: str) -> Program:
    python = str(bench.peers.python())
    return Program(name, (python, "-m", f"engine.programs.{name}_engine", place), _HERE)
