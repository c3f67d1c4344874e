"""On what it was measured."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

import apsw

from engine.bench import Bench


def describe(bench: Bench) -> dict[str, Any]:
    """Return what figures depend on: the machine, how busy it is, the file system, the versions of all sides."""
    return {
        "processors": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "file_system": _file_system(bench.folder),
        "load_before": os.getloadavg()[0],
    }


def versions(bench: Bench) -> dict[str, str]:
    """Return the versions of all sides that took part."""
    ours = {
        "euryale": version("euryale"),
        "python": platform.python_version(),
        "apsw": apsw.apsw_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "asyncpg": version("asyncpg"),
        "postgresql": bench.server_version,
    }
    return {**ours, **bench.peers.versions, "sqlite of Python (DBOS)": sqlite3.sqlite_version}


def _file_system(folder: Path) -> str:
    """Return the kind of the file system that a folder is on."""
    device = folder.stat().st_dev
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            return fields[fields.index("-") + 1]
    return "unknown"
