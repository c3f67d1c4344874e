"""From what the platform wants run to what a supervisor is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from euryale.cloud.host.account import Account, own_account
from euryale.cloud.host.reach import barrier
from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.runtime.contract import InstanceIntent
from euryale.cloud.providers.runtime.process.backoff import RestartPolicy
from euryale.cloud.providers.runtime.process.directories import Directories, Place
from euryale.cloud.providers.runtime.process.environment import compose
from euryale.cloud.providers.runtime.process.records import Spec
from euryale.cloud.providers.runtime.process.redaction import masks_of
from euryale.cloud.providers.runtime.process.shell import shell_words
from euryale.kit.ids import new_id

_PROGRAMS = (Path("node_modules/.bin"), Path(".venv/bin"))


class Toolchains(Protocol):
    """Where the programs of a language are."""

    async def path_entries(self, language: str, runtime_version: str) -> tuple[Path, ...]:
        """Return the directories that come first in ``PATH``."""
        ...


class Composer:
    """Makes records.

    Args:
        toolchains: Where the programs of a language are.
        account: Who applications run as.
        directories: Where they may write to.
        restart: When a process that died is started again.
        machine: The environment of which the settings for certificates are handed on.
    """

    def __init__(
        self,
        toolchains: Toolchains,
        account: Account,
        directories: Directories,
        restart: RestartPolicy,
        machine: Mapping[str, str],
    ) -> None:
        self._toolchains = toolchains
        self._account = account
        self._directories = directories
        self._restart = restart
        self._machine = machine

    async def compose(self, intent: InstanceIntent, place: Place, *, timeout: float | None) -> Spec:  # noqa: ASYNC109 -- recorded, not waited for
        """Return the record of what ``intent`` asks for, without a port.

        Args:
            intent: What to run.
            place: Where its files are.
            timeout: For a command run once, the seconds it may take; None for one that is kept running.

        Raises:
            PermanentError: If the command's directory is not in the artifact, or cannot be read by the account.
        """
        directory = _within(intent.artifact, intent.command.directory)
        self._check_reachable(directory)
        own = self._account.uid == own_account().uid
        token = new_id("run")
        env = compose(
            {name: secret.reveal() for name, secret in intent.env.items()},
            machine=self._machine,
            path=await self._path(intent, directory),
            home=self._directories.home(intent.app),
            temporary=self._directories.temporary(intent.app),
            token=token,
        )
        return Spec(
            token=token,
            port=0,
            words=shell_words(intent.command.line),
            directory=str(directory),
            env=env,
            uid=None if own else self._account.uid,
            gid=None if own else self._account.gid,
            log=str(place.log),
            masks=masks_of(intent.env),
            memory=intent.memory,
            restart=self._restart,
            timeout=timeout,
        )

    def _check_reachable(self, directory: Path) -> None:
        if (obstacle := barrier(directory, self._account)) is not None:
            raise PermanentError(
                f"The account {self._account.name!r} may not enter {obstacle}, so it cannot run {directory}.",
                hint="Keep the platform's data below directories that everyone may enter (mode 0711).",
            )

    async def _path(self, intent: InstanceIntent, directory: Path) -> list[Path]:
        tools = await self._toolchains.path_entries(intent.plan.language, intent.plan.runtime_version)
        tops = dict.fromkeys((directory, intent.artifact.resolve()))
        own = [top / programs for top in tops for programs in _PROGRAMS]
        return [*(path for path in own if path.is_dir()), *tools]


def _within(artifact: Path, directory: str) -> Path:
    top = artifact.resolve()
    found = (top / directory).resolve()
    if not found.is_relative_to(top) or not found.is_dir():
        raise PermanentError(f"There is no directory {directory!r} in the artifact {artifact}.")
    return found
