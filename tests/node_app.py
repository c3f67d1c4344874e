"""A tiny Node application in a git repository, to be bent in all the ways that users bend theirs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platform_process import commit, git

SERVER = """\
const text = "hello";
require("http").createServer((request, response) => response.end(text)).listen(process.env.PORT, "127.0.0.1");
"""
PACKAGE: Mapping[str, Any] = {
    "name": "tiny", "version": "1.0.0", "scripts": {"start": "node server.js"}, "engines": {"node": ">=20"}
}  # fmt: skip
LOCK: Mapping[str, Any] = {
    "name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "requires": True,
    "packages": {"": {"name": "tiny", "version": "1.0.0", "engines": {"node": ">=20"}}},
}  # fmt: skip


class NodeApp:
    """A repository whose files a test writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        git(path, "init", "--quiet", "--initial-branch", "main")
        self.write("server.js", SERVER)
        self.write("package-lock.json", json.dumps(LOCK))
        self.package()

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def package(self, **more: Any) -> None:
        self.write("package.json", json.dumps({**PACKAGE, **more}))

    def commit(self, message: str = "change") -> str:
        return commit(self.path, message)
