"""Repositories made by the real git, independent of the machine's configuration."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

GIT_ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "LC_ALL": "C",
}


def git(*words: str | Path, cwd: Path, stdin: bytes | None = None, **env: str) -> str:
    """Run git, which must succeed, and return its output."""
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=GIT_ENV | env, input=stdin, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


async def try_git(*words: str | Path, cwd: Path) -> tuple[int, str]:
    """Run git without blocking the servers of this test's loop; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        "git", *words, cwd=cwd, env=GIT_ENV, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace")


class Repository:
    """A bare repository, filled through git's plumbing: any tree, also those no honest git would make."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        git("init", "--bare", "--quiet", "--initial-branch=main", cwd=path)

    def blob(self, content: bytes) -> str:
        return git("hash-object", "-w", "--stdin", cwd=self.path, stdin=content)

    def commit(
        self,
        branch: str,
        files: Mapping[str, bytes],
        message: str = "change",
        *,
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """Make a commit with exactly these files the head of ``branch``."""
        index = str(self.path / "test-index")
        Path(index).unlink(missing_ok=True)
        lines = [
            f"{(modes or {}).get(name, '100644')} {self.blob(content)}\t{name}\n" for name, content in files.items()
        ]
        git("update-index", "--add", "--index-info", cwd=self.path, stdin="".join(lines).encode(), GIT_INDEX_FILE=index)
        tree = git("write-tree", cwd=self.path, GIT_INDEX_FILE=index)
        return self.commit_tree(branch, tree, message)

    def commit_tree(self, branch: str, tree: str, message: str = "change") -> str:
        ref = f"refs/heads/{branch}"
        parents = git("for-each-ref", "--format=%(objectname)", ref, cwd=self.path).split()
        words = [word for parent in parents for word in ("-p", parent)]
        commit = git("commit-tree", tree, *words, cwd=self.path, stdin=message.encode())
        git("update-ref", ref, commit, cwd=self.path)
        return commit

    def delete_branch(self, branch: str) -> None:
        git("update-ref", "-d", f"refs/heads/{branch}", cwd=self.path)


def clone_with_commit(path: Path, files: Mapping[str, bytes], branch: str = "main") -> str:
    """Make a working repository with one commit; return its hash."""
    path.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", f"--initial-branch={branch}", cwd=path)
    return add_commit(path, files)


def add_commit(path: Path, files: Mapping[str, bytes], message: str = "change") -> str:
    """Write files into a working repository and commit them."""
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    git("add", "--all", cwd=path)
    git("commit", "--quiet", "--message", message, cwd=path)
    return git("rev-parse", "HEAD", cwd=path)
