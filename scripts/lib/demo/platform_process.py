"""The platform as the demo uses it: its commands, and its API."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from demo.failures import DemoError
from demo.processes import end_group, kill_all, started_in
from demo.terminal import say
from demo.waiting import NotYet, Seen, wait_for
from euryale.cloud.host.ports import free_port, is_free

EURYALE: Final = Path(sys.executable).with_name("euryale")
_UP_WITHIN: Final = 120.0
_DOWN_WITHIN: Final = 180.0
_ANSWER_WITHIN: Final = 30.0
_API_PORT: Final = 7400
_APPS_PORT: Final = 7480
_SPAN: Final = 200


@dataclass(frozen=True, slots=True)
class Addresses:
    """The ports of a platform.

    Attributes:
        api: Of its API.
        apps: Of the applications.
    """

    api: int
    apps: int

    @classmethod
    def free(cls) -> "Addresses":
        """Return the platform's usual ports, or others if somebody has those."""
        if is_free(_API_PORT) and is_free(_APPS_PORT):
            return cls(_API_PORT, _APPS_PORT)
        api = free_port(range(_API_PORT + 100, _API_PORT + 100 + _SPAN))
        return cls(api, free_port(range(_APPS_PORT + 100, _APPS_PORT + 100 + _SPAN), taken=(api,)))


class Platform:
    """A platform of the demo's own, in a directory of its own.

    Args:
        data: Its directory.
        addresses: Its ports.
    """

    def __init__(self, data: Path, addresses: Addresses) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{addresses.api}"
        self._addresses = addresses
        self._process: subprocess.Popen[bytes] | None = None
        self._api: httpx.Client | None = None

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.data.with_suffix(".log")

    @property
    def token(self) -> str:
        """The owner's API token."""
        return (self.data / "token").read_text("utf-8").strip()

    def remote(self, project: str) -> str:
        """Return the address of the platform's own repository for a project."""
        return f"{self.url}/git/{project}.git"

    def start(self) -> None:
        """Start it, apart from this terminal, and wait until it answers.

        Raises:
            DemoError: If it does not come up.
        """
        ports = ("--port", str(self._addresses.api), "--http-port", str(self._addresses.apps))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- fixed words
                [EURYALE, "up", "--data", self.data, *ports],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for("the platform", self._looks_up, within=_UP_WITHIN, log=self.log)
        self._api = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"authorization": f"Bearer {self.token}"},
            timeout=_ANSWER_WITHIN,
            trust_env=False,
        )

    def down(self) -> None:
        """End it with everything that outlives it; what is left then is killed. Data is kept.

        Raises:
            DemoError: If something had to be killed, which is a fault of the platform's.
        """
        if self._api is not None:
            self._api.close()
        complaint = self._ask_down() if self.data.exists() else ""
        if self._process is not None and self._process.poll() is None:
            end_group(self._process)
        left = started_in(self.data)
        if left:
            named = ", ".join(map(str, left))
            kill_all(left)
            raise DemoError(f"`euryale down` left processes, which were killed: {named}\n{complaint}", log=self.log)
        if complaint:
            raise DemoError(complaint, log=self.log)

    def run(self, *words: str, env: Mapping[str, str] | None = None, within: float) -> None:
        """Run a command of ``euryale`` whose output is shown.

        Raises:
            DemoError: If it fails, or takes longer than ``within`` seconds.
        """
        shown = " ".join(words)
        say(f"  $ euryale {shown}")
        try:
            done = subprocess.run(self._words(*words), env=self._env(env), timeout=within, check=False)  # noqa: S603 -- fixed words
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"euryale {shown}: not within {within:.0f} s", log=self.log) from error
        if done.returncode != 0:
            raise DemoError(f"euryale {shown}: it ended with {done.returncode}", log=self.log)

    def get(self, path: str) -> Any:
        """Return what the API answers, None if it is not there.

        Raises:
            DemoError: If it answers with an error.
        """
        if self._api is None:
            raise DemoError("the platform is not running")
        try:
            answer = self._api.get(path)
        except httpx.TransportError as error:
            raise DemoError(f"the platform does not answer at {self.url}: {error}", log=self.log) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise DemoError(f"GET {path}: {answer.status_code} {answer.text[:300]}", log=self.log)
        return answer.json()

    def environments(self, project: str) -> list[dict[str, Any]]:
        """Return a project's environments, production first."""
        answer = self.get(f"/projects/{project}/environments")
        return [] if answer is None else list(answer["environments"])

    def _looks_up(self) -> Seen[None] | NotYet:
        process = self._process
        if process is not None and process.poll() is not None:
            raise DemoError(f"the platform ended with {process.returncode} at its start", log=self.log)
        try:
            ready = httpx.get(f"{self.url}/ready", timeout=_ANSWER_WITHIN, trust_env=False).is_success
        except httpx.TransportError:
            return NotYet("starting")
        return Seen(None) if ready else NotYet("not ready yet")

    def _ask_down(self) -> str:
        try:
            done = subprocess.run(  # noqa: S603 -- fixed words
                self._words("down"),
                env=self._env(None),
                timeout=_DOWN_WITHIN,
                capture_output=True,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"`euryale down` did not end within {_DOWN_WITHIN:.0f} s"
        return "" if done.returncode == 0 else f"`euryale down` failed: {done.stdout}{done.stderr}"

    def _words(self, *words: str) -> Sequence[str | Path]:
        return [EURYALE, *words, *(("--data", self.data) if words[0] in {"up", "down"} else ())]

    def _env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        known = {"EURYALE_URL": self.url, "EURYALE_TOKEN": self.token} if self._api is not None else {}
        return {**os.environ, **known, **(more or {})}
