"""Unprivileged system accounts, so that neither a database nor a customer's code runs as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.errors import HostError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine under which processes are started."""

    name: str
    uid: int
    gid: int
    home: Path

    def own(self, path: Path) -> None:
        """Give ``path`` itself (not what is in it) to this account."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def popen_arguments(self) -> dict[str, object]:
        """Return what ``subprocess`` needs to run as this account; nothing when it is the caller's own."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def _from_entry(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))


def own_account() -> Account:
    """Return the account that this process runs as."""
    return _from_entry(pwd.getpwuid(os.geteuid()))


def service_account(name: str) -> Account:
    """Return the account for processes of one kind: ``name`` when running as root, else one's own.

    A missing account is made with ``useradd --system``.

    Args:
        name: The account's name, such as ``euryale-database``.

    Raises:
        HostError: If the account does not exist and cannot be made.
    """
    if os.geteuid() != 0:
        return own_account()
    try:
        return _from_entry(pwd.getpwnam(name))
    except KeyError:
        return _create(name)


def _create(name: str) -> Account:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise HostError(f"There is no account {name!r} and no useradd to make it.", hint="Run as an ordinary user.")
    command = [useradd, "--system", "--no-create-home", "--home-dir", f"/var/lib/{name}", "--user-group", name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words
    try:
        return _from_entry(pwd.getpwnam(name))  # another process may have made it meanwhile
    except KeyError:
        raise HostError(f"useradd could not make the account {name!r}: {result.stderr.strip()}") from None
