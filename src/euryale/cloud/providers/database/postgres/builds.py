"""The two ways to make a cluster's files: empty, or as a copy of a server that goes on serving.

Roles, passwords and databases are set in PostgreSQL's single-user mode: no port is open before they are right, so
a copy never listens with the passwords of its base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.host.account import Account
from euryale.cloud.providers.database.postgres.commands import run
from euryale.cloud.providers.database.postgres.configuration import (
    access_text,
    copy_statements,
    fresh_statements,
    settings_text,
)
from euryale.cloud.providers.database.postgres.layout import Place
from euryale.cloud.providers.database.postgres.programs import Programs
from euryale.cloud.providers.database.postgres.reach import make_directory
from euryale.cloud.providers.database.postgres.record import HOST, SUPERUSER, BranchRecord


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a cluster is made and served with.

    Attributes:
        programs: PostgreSQL's.
        account: Who runs them and owns the data.
    """

    programs: Programs
    account: Account


async def build_fresh(tools: Toolbox, place: Place, record: BranchRecord) -> None:
    """Make an empty cluster in ``place`` with the passwords of ``record``. It is not started."""
    _make_directories(tools, place)
    command: list[str | Path] = [
        tools.programs["initdb"],
        f"--pgdata={place.data}",
        f"--username={SUPERUSER}",
        "--auth=reject",  # the rules that count are in our own file
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--locale-provider=builtin",  # sorts alike whatever the machine's C library
        "--no-instructions",
    ]
    await run(command, account=tools.account)
    await _execute(tools, place, fresh_statements(record))


async def build_copy(tools: Toolbox, place: Place, record: BranchRecord, base: BranchRecord) -> None:
    """Copy the running server of ``base`` into ``place``, with the passwords of ``record``. It is not started.

    The copy holds what was committed when the copying ended; it is a server of its own and follows nobody.
    """
    _make_directories(tools, place)
    command: list[str | Path] = [
        tools.programs["pg_basebackup"],
        f"--pgdata={place.data}",
        f"--host={HOST}",
        f"--port={base.port}",
        f"--username={SUPERUSER}",
        "--no-password",
        "--checkpoint=fast",
        "--wal-method=stream",
        "--no-manifest",
    ]
    await run(command, account=tools.account, env={"PGPASSWORD": base.superuser_password.reveal()})
    await _execute(tools, place, copy_statements(record))


def write_configuration(place: Place) -> None:
    """Write the server's settings and its rules of access, which hold no secret."""
    for path, text in ((place.settings, settings_text(place.logs)), (place.access, access_text())):
        path.write_text(text)
        path.chmod(0o644)


def configured(place: Place) -> list[str]:
    """Return the arguments by which ``postgres`` finds its data and its configuration."""
    return [
        "-D",
        str(place.data),
        "-c",
        f"config_file={place.settings}",
        "-c",
        f"hba_file={place.access}",
        "-c",
        f"ident_file={place.data / 'pg_ident.conf'}",
    ]


def _make_directories(tools: Toolbox, place: Place) -> None:
    make_directory(place.directory, tools.account)
    for directory in (place.data, place.logs):
        directory.mkdir(mode=0o700)
        tools.account.own(directory)


async def _execute(tools: Toolbox, place: Place, statements: Sequence[str]) -> None:
    write_configuration(place)
    command: list[str | Path] = [
        tools.programs["postgres"],
        "--single",
        *configured(place),
        "-c",
        "logging_collector=off",
        "-c",
        "exit_on_error=true",
        SUPERUSER,
    ]
    await run(command, account=tools.account, text="".join(f"{statement}\n" for statement in statements))
