"""The Git repository that the demo pushes: an example, as if it were somebody's own project."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from demo.failures import DemoError

TOP: Final = Path(__file__).parents[3]
BRANCH: Final = "main"

_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@euryale.test",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@euryale.test",
}
_ALONE: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
_PUSH_WITHIN: Final = 120


class Repository:
    """A repository in a directory.

    Args:
        directory: Where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of_example(cls, name: str, directory: Path) -> "Repository":
        """Make one of the files of an example that Git knows, or would take.

        Raises:
            DemoError: If Git fails.
        """
        listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", f"examples/{name}"]
        example = TOP / "examples" / name
        for file in filter(None, _git(TOP, *listed).split("\0")):
            source = TOP / file
            if source.is_file():
                target = directory / source.relative_to(example)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        repository = cls(directory)
        _git(directory, "init", "--quiet", f"--initial-branch={BRANCH}")
        repository.commit("The application")
        return repository

    def commit(self, message: str) -> None:
        """Commit all that has changed."""
        _git(self.directory, "add", "--all")
        _git(self.directory, "commit", "--quiet", f"--message={message}")

    def branch(self, name: str) -> None:
        """Begin a branch."""
        _git(self.directory, "switch", "--quiet", "--create", name)

    def push(self, remote: str, refspec: str, *, token: str) -> None:
        """Push to the platform's remote.

        Args:
            remote: Its address, without credentials.
            refspec: What to push, such as ``branch`` or ``:branch``.
            token: The API token; handed over in the environment, where no process list shows it.

        Raises:
            DemoError: If it is refused.
        """
        helper = '!f() { echo username=demo; echo "password=$EURYALE_TOKEN"; }; f'
        command = ("-c", "credential.helper=", "-c", f"credential.helper={helper}", "push", "--quiet", remote, refspec)
        _git(self.directory, *command, env={"EURYALE_TOKEN": token}, within=_PUSH_WITHIN)


def _git(directory: Path, *words: str, env: dict[str, str] | None = None, within: float = 60) -> str:
    environment = {**os.environ, **_IDENTITY, **_ALONE, **(env or {})}
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words
            ["git", *words],  # noqa: S607 -- the user's own Git
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoError(f"git {words[0]} failed: {error}") from error
    if done.returncode != 0:
        raise DemoError(f"git {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout
