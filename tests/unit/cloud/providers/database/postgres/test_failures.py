import errno
import os

import pytest

from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.database.postgres.failures import (
    explained,
    explained_os_error,
    os_errors_explained,
    port_was_taken,
    tail,
)
from euryale.cloud.providers.errors import ProviderUnavailableError


@pytest.mark.parametrize(
    ("output", "kind", "advice"),
    [
        ("could not write: No space left on device", ProviderUnavailableError, "Free some disk space"),
        ("could not write: Disk quota exceeded", ProviderUnavailableError, "Free some disk space"),
        ("could not fork: Cannot allocate memory", ProviderUnavailableError, "Free some memory"),
        ('initdb: error: invalid locale name "C.UTF-8"', HostError, "Install the locale"),
        ("could not open file: Permission denied", HostError, "Let the database account"),
        ("something else", ProviderUnavailableError, "something else"),
        ("", ProviderUnavailableError, "it said nothing"),
    ],
)
def test_the_output_decides_the_kind_and_the_advice(output: str, kind: type[Exception], advice: str) -> None:
    error = explained("initdb failed", output)
    assert isinstance(error, kind)
    assert str(error).startswith("initdb failed: ")
    assert advice in str(error)


def test_a_message_holds_only_the_end_of_a_long_output() -> None:
    lines = [f"line {number}" for number in range(100)]
    assert tail("\n".join(lines)) == "\n".join(lines[-12:])
    assert len(tail("x" * 10_000)) == 2000


def test_recognises_a_port_that_was_taken() -> None:
    assert port_was_taken('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use')
    assert not port_was_taken("FATAL:  data directory has wrong ownership")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, ProviderUnavailableError),
        (errno.EDQUOT, ProviderUnavailableError),
        (errno.EACCES, HostError),
        (errno.EROFS, HostError),
        (errno.EMFILE, ProviderUnavailableError),
    ],
)
def test_an_error_of_the_system_is_sorted(number: int, kind: type[Exception]) -> None:
    assert isinstance(explained_os_error(OSError(number, os.strerror(number))), kind)


def test_the_cause_is_kept() -> None:
    cause = OSError(errno.ENOSPC, "full")
    with pytest.raises(ProviderUnavailableError) as caught, os_errors_explained():
        raise cause
    assert caught.value.__cause__ is cause
